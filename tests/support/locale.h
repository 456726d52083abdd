// Locales that write numbers differently, for tests.
#pragma once

#include <clocale>
#include <locale>
#include <string>

namespace gradus::test {

/// 1234567.5 as "1.234.567,5", as in much of Europe.
class GroupingDigits : public std::numpunct<char> {
 protected:
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

/// Until the end of the scope, new streams write numbers as GroupingDigits says, and C functions as
/// the first of some locales with a decimal comma that is installed.
class ForeignLocale {
 public:
  ForeignLocale() : c_before_(std::setlocale(LC_ALL, nullptr)) {
    std::locale::global(std::locale(std::locale::classic(), new GroupingDigits));
    for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "es_ES.UTF-8"}) {
      if (std::setlocale(LC_ALL, name) != nullptr) break;
    }
  }
  ~ForeignLocale() {
    std::locale::global(before_);
    std::setlocale(LC_ALL, c_before_.c_str());
  }
  ForeignLocale(const ForeignLocale&) = delete;
  ForeignLocale& operator=(const ForeignLocale&) = delete;

 private:
  std::locale before_;
  std::string c_before_;
};

}  // namespace gradus::test
