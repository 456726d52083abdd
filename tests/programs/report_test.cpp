// Reports: numbers and marks of axes, SVG, and the page with all of them.
#include <doctest/doctest.h>
#include <gradus/core/create/create.h>
#include <gradus/core/ops.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <vector>

#include "../../examples/report/html.h"
#include "../../examples/report/scale.h"
#include "../../examples/report/svg.h"
#include "../../examples/support/image.h"
#include "../support/locale.h"
#include "../support/paths.h"
#include "../support/temporary_folder.h"
#include "sample_report.h"

using namespace gradus;
using namespace gradus::report;

namespace {

std::vector<std::string> labels_of(const std::vector<Tick>& ticks) {
  std::vector<std::string> labels;
  for (const Tick& tick : ticks) {
    if (!tick.label.empty()) labels.push_back(tick.label);
  }
  return labels;
}

using Labels = std::vector<std::string>;

// What keeps text from being XML: a tag that does not match, a bare & or <. Empty if nothing does.
std::string fault_in_xml(std::string_view xml) {
  std::vector<std::string> open;
  while (!xml.empty()) {
    if (xml.starts_with("&")) {
      const std::string_view entity = xml.substr(0, xml.find(';') + 1);
      if (entity != "&amp;" && entity != "&lt;" && entity != "&gt;" && entity != "&quot;") {
        return "a bare & before " + std::string(xml.substr(0, 40));
      }
    }
    if (!xml.starts_with("<")) {
      xml.remove_prefix(1);
      continue;
    }
    const std::string_view tag = xml.substr(0, xml.find('>') + 1);
    if (tag.empty() || tag.find('<', 1) != std::string_view::npos)
      return "a bare < in " + std::string(tag);
    if (std::count(tag.begin(), tag.end(), '"') % 2 != 0)
      return "an odd quote in " + std::string(tag);
    const std::string name(
        tag.substr(tag[1] == '/' ? 2 : 1, tag.find_first_of(" />", 2) - (tag[1] == '/' ? 2 : 1)));
    if (tag[1] == '/') {
      if (open.empty() || open.back() != name) return "an unexpected " + std::string(tag);
      open.pop_back();
    } else if (!tag.ends_with("/>") && tag[1] != '?') {
      open.push_back(name);
    }
    xml.remove_prefix(tag.size());
  }
  return open.empty() ? "" : "an open " + open.back();
}

std::vector<std::byte> from_base64(std::string_view text) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<std::byte> bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text.substr(0, text.find('='))) {
    bits = bits << 6U | static_cast<uint32_t>(digits.find(c));
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<std::byte>(bits >> static_cast<uint32_t>(count) & 0xffU));
  }
  return bytes;
}

int occurrences(std::string_view text, std::string_view part) {
  int count = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

Figure figure_with(const std::vector<std::string>& names) {
  Figure figure;
  for (const std::string& name : names) figure.line(name, {.x = {1, 2}, .y = {1, 2}});
  return figure;
}

}  // namespace

TEST_CASE("report: numbers have few digits, commas, and powers of ten if they need them") {
  CHECK(number(0.01234) == "0.0123");
  CHECK(number(0.2) == "0.2");
  CHECK(number(99.96) == "100");
  CHECK(number(12345.6) == "12,346");
  CHECK(number(-1234567) == "−1.23×10⁶");
  CHECK(number(0.00001) == "10⁻⁵");
  CHECK(number(9.999e-5) == "10⁻⁴");
  CHECK(number(-0.00001234, 2) == "−1.2×10⁻⁵");
  CHECK(number(0) == "0");
  CHECK(number(NAN) == "–");
  CHECK(number(INFINITY) == "∞");
  CHECK(numbers(std::vector{98.5, 91.0, 7.25}) == Labels{"98.5", "91.0", "7.2"});
  CHECK(numbers(std::vector{1e-5, 2.0}) == Labels{"10⁻⁵", "2"});
}

TEST_CASE("report: linear axes have marks at round numbers and begin at zero if that is near") {
  const Scale scale = scale_over({}, std::vector{2.1, 9.8, double(NAN)}, true);
  CHECK(scale.low == 0);
  CHECK(scale.high == 10);
  CHECK(labels_of(ticks_of(scale, 6)) == Labels{"0", "2", "4", "6", "8", "10"});
  const Scale far_from_zero = scale_over({}, std::vector{97.2, 98.9}, true);
  CHECK(far_from_zero.low == 97);
  CHECK(labels_of(ticks_of(far_from_zero, 4)) == Labels{"97.0", "97.5", "98.0", "98.5", "99.0"});
  CHECK(labels_of(ticks_of({.log = false, .low = 0, .high = 2e-6}, 2)) ==
        Labels{"0", "10⁻⁶", "2×10⁻⁶"});
  CHECK(scale_over({}, std::vector{3.0, 3.0}, true)(3) == doctest::Approx(0.6));
  CHECK(std::isfinite(scale_over({}, {}, true)(1)));
}

TEST_CASE(
    "report: logarithmic axes have marks at powers of ten and leave out what is not positive") {
  const Scale scale = scale_over({.log = true}, std::vector{-1.0, 0.0, 1e-3, 1e3}, false);
  CHECK(labels_of(ticks_of(scale, 7)) == Labels{"0.001", "0.01", "0.1", "1", "10", "100", "1000"});
  CHECK(scale(1) == doctest::Approx(0.5));
  const Scale narrow = scale_over({.log = true}, std::vector{1.5, 60.0}, false);
  CHECK(labels_of(ticks_of(narrow, 6)) == Labels{"2", "5", "10", "20", "50"});
  const Scale within_a_power = scale_over({.log = true}, std::vector{2.16, 2.33}, false);
  CHECK(labels_of(ticks_of(within_a_power, 4)) == Labels{"2.20", "2.25", "2.30"});
  const Scale wide = scale_over({.log = true}, std::vector{1e-12, 1e12}, false);
  CHECK(labels_of(ticks_of(wide, 6)) == Labels{"10⁻¹⁰", "10⁻⁵", "1", "10⁵", "10¹⁰"});
  CHECK(labels_of(ticks_at(std::vector<double>{64, 1, 4, 4}, 8)) == Labels{"1", "4", "64"});
  CHECK(ticks_at(std::vector<double>{1, 2, 3}, 2).empty());
}

TEST_CASE("report: a wide interval does not hide the values") {
  const std::vector<double> values = {2, 4}, narrow = {1.8, 4.4}, wide = {-1000, 1000};
  CHECK(scale_over({}, values, true, narrow).high == 5);
  CHECK(scale_over({}, values, true, wide).high == 6);
  CHECK(scale_over({}, values, true, wide).low == 0);
  CHECK(scale_over({.log = true}, values, true, wide).high < 10);
}

TEST_CASE("report: a norm has its colour in every figure, whatever stands beside it") {
  const Looks few(figure_with({"group", "batch"})), many(figure_with({"layer", "mine", "batch"}));
  CHECK(few.css("batch") == "c-batch");
  CHECK(many.css("batch") == "c-batch");
  CHECK(few.css("group") == "c-group");
  const Looks variants(figure_with({"batch, moving average", "batch, precise", "mine", "yours"}));
  CHECK(variants.css("batch, moving average") == "c-batch");
  CHECK(variants.css("batch, precise") == "c-batch v1");
  CHECK(variants.css("mine") != variants.css("yours"));
  CHECK(variants.css("mine") != "c-layer");
}

TEST_CASE("report: what is not finite leaves a gap") {
  Figure figure;
  figure.line("batch", {.x = {1, 2, 3, 4, 5}, .y = {1, 2, NAN, 4, 5}});
  const std::string picture = svg(figure, false);
  CHECK(occurrences(picture, "class=\"line\"") == 2);
  CHECK(picture.find("nan") == std::string::npos);
}

TEST_CASE("report: text of every kind is escaped, and all pictures are well-formed XML") {
  Page page = sample_page();
  Figure& figure = page.sections[0].figure("escapes", "a < b & \"c\" > d");
  figure.x.label = "<x> & \"y\"";
  figure.line("a<b>&\"c\"", {.x = {1, 2}, .y = {1, 2}});
  figure.line("</script>", {.x = {1, 2}, .y = {1, 2}});
  figure.add(Bars{.groups = {"<g>"}, .series = {{"<s>", {.y = {1}}}}});
  figure.add(HeatMap{.columns = {"<c>"}, .rows = {"&"}, .values = {1}});
  figure.see = "`a<b>` and [a & b](#escapes), 2 * 3 and **a<b**";
  int pictures = 0;
  for (const Section& section : page.sections) {
    for (const Figure& one : section.figures) {
      CAPTURE(one.id);
      const std::string picture = svg(one, true);
      // The style sheet is text as well.
      CHECK(fault_in_xml(picture) == "");
      pictures += picture.empty() ? 0 : 1;
    }
  }
  CHECK(pictures > 8);
  const std::string text = html(page);
  CHECK(text.find("<code>a&lt;b&gt;</code> and <a href=\"#escapes\">a &amp; b</a>, 2 * 3 and "
                  "<b>a&lt;b</b>") != std::string::npos);
  CHECK(text.find("</script>\"") == std::string::npos);
  CHECK(fault_in_xml("<a><b></a>") == "an unexpected </a>");
  CHECK(fault_in_xml("<a>&b</a>") != "");
}

TEST_CASE("report: the same page is the same bytes in every locale") {
  const std::string here = html(sample_page());
  test::ForeignLocale foreign;
  CHECK(html(sample_page()) == here);
}

TEST_CASE("report: a page asks nothing of the network") {
  const std::string text = html(sample_page());
  CHECK(text.find("default-src 'none'") != std::string::npos);
  for (const char* address : {"src=\"http", "href=\"http", "url(", "@import"}) {
    CHECK(text.find(address) == std::string::npos);
  }
}

TEST_CASE("report: links to what is not in the page are mere text") {
  Page page;
  page.section("here", "Here").text =
      "[2, 3], [one](#here), [two](#nowhere), [three](#here-figure)";
  page.sections[0].figure("here", "A figure with the name of its section");
  const std::string text = html(page);
  CHECK(text.find("[2, 3], <a href=\"#here\">one</a>, two, <a href=\"#here-figure\">three</a>") !=
        std::string::npos);
  CHECK(occurrences(text, "id=\"here\"") == 1);
}

TEST_CASE("report: pictures are PNG images of the same gray values") {
  Picture picture{.width = 3, .height = 2, .values = {0, 0.2, 0.4, 0.6, 0.8, 1}};
  const std::string address = png_address(picture);
  REQUIRE(address.starts_with("data:image/png;base64,"));
  const Tensor gray = examples::parse_image(from_base64(address.substr(22)), "picture").gray;
  CHECK(gray.shape() == Shape{2, 3});
  for (int64_t i = 0; i < 6; ++i) CHECK(gray.data<uint8_t>()[i] == 51 * i);
}

TEST_CASE("report: the numbers of figures are written as comma-separated values") {
  Figure figure;
  figure.chart("left").line("batch, \"precise\"",
                            {.x = {1, 2}, .y = {0.5, 1e-7}, .low = {0, 0}, .high = {1, 1}});
  CHECK(csv(figure) ==
        "panel,series,x,y,low,high\n"
        "left,\"batch, \"\"precise\"\"\",1,0.5,0,1\n"
        "left,\"batch, \"\"precise\"\"\",2,1e-07,0,1\n");
}

TEST_CASE("report: a preview is marked on every figure, and only there") {
  Page page = sample_page();
  const int figures = occurrences(html(page), "<figure ");
  CHECK(occurrences(html(page), "class=\"stamp\"") == figures);
  page.preview.clear();
  CHECK(occurrences(html(page), "class=\"stamp\"") == 0);
}

TEST_CASE("report: files of the sample page, which the test in a browser reads") {
  const test::TemporaryFolder folder;
  const Page page = sample_page();
  Page some;
  some.section("one", "One").figures.push_back(page.sections[0].figures[0]);
  write_csv(some, folder.path());
  const bool as_png = write_pictures(some, folder.path());
  CHECK(std::filesystem::exists(folder.path() / "error-vs-batch.csv"));
  CHECK(std::filesystem::exists(folder.path() / "error-vs-batch.svg"));
  CHECK(std::filesystem::exists(folder.path() / "error-vs-batch.png") == as_png);
  write_html(page, test::build_folder() + "/report_sample.html");
}
