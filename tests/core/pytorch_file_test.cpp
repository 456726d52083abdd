// PyTorch's files, written here byte by byte: what is read, and how a hostile one is caught.
// tests/interchange/pytorch_file_test.py reads those that torch.save writes.
#include "../../core/io/pytorch_file.h"

#include <doctest/doctest.h>

#include <fstream>
#include <limits>

#include "../../core/ops.h"
#include "../../core/storage.h"
#include "../support/errors.h"
#include "../support/paths.h"
#include "../support/processor_time.h"
#include "../support/pytorch_writer.h"
#include "../support/temporary_folder.h"
#include "../support/text.h"

using namespace gradus;
using namespace gradus::test;

namespace {

/// The elements of data/<key>, as many as there are.
std::string vector_in(const std::string& type, const std::string& key, int64_t elements) {
  return tensor_in(storage(type, key, elements), 0, sizes({elements}), sizes({1}));
}
std::string repeated(const std::string& part, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += part;
  return all;
}

NamedTensors load(const std::string& values, const Entries& data = {},
                  const PytorchOptions& options = {}) {
  const TemporaryFolder folder;
  write_archive(folder / "x.pt", entries_of(values, data));
  return load_pytorch(folder / "x.pt", options);
}

const std::string usual_hint =
    ". Hint: save it again with torch.save, or copy it anew if it was damaged on the way";
const std::string state_hint =
    ". Hint: save the state alone, in Python: torch.save(model.state_dict(), path)";
const std::string pickle_hint =
    ". Hint: save dictionaries of tensors alone, as torch.save(model.state_dict(), path) does, or "
    "copy the file anew if it was damaged on the way";

/// What the call says, without operation, folder and usual hints.
std::string error_of(const TemporaryFolder& folder, const PytorchOptions& options = {}) {
  std::string message = message_of([&] { load_pytorch(folder / "x.pt", options); });
  const std::string begin = "[load_pytorch] '" + folder.path().string() + "/";
  if (message.starts_with(begin)) message.erase(0, begin.size());
  return without(without(without(message, usual_hint), pickle_hint), state_hint);
}
std::string error_of(const Entries& entries, const PytorchOptions& options = {}) {
  const TemporaryFolder folder;
  write_archive(folder / "x.pt", entries);
  return error_of(folder, options);
}
std::string error_of(const std::string& values, const Entries& data = {}) {
  return error_of(entries_of(values, data));
}
/// Of a file with these bytes.
std::string error_of_bytes(const std::string& content) {
  const TemporaryFolder folder;
  std::ofstream(folder / "x.pt", std::ios::binary) << content;
  return error_of(folder);
}

const std::string in_pickle = "x.pt: x/data.pkl': the pickle ";

}  // namespace

TEST_CASE("tensors of each type are read") {
  const std::string types[] = {"Float", "Double", "Long",     "Int",   "Byte",
                               "Bool",  "Half",   "BFloat16", "Short", "Char"};
  const Entries data = {{"Float", bytes({1.5F, -2.0F})},
                        {"Double", bytes({1e300, -0.0})},
                        {"Long", bytes<int64_t>({1LL << 60, -1})},
                        {"Int", bytes<int32_t>({1 << 30, -1})},
                        {"Byte", bytes<uint8_t>({0, 255})},
                        {"Bool", bytes<uint8_t>({0, 255})},
                        {"Half", bytes<uint16_t>({0x3c00, 0x8001})},
                        {"BFloat16", bytes<uint16_t>({0xc000, 0x7f80})},
                        {"Short", bytes<int16_t>({-300, 300})},
                        {"Char", bytes<int8_t>({-128, 127})}};
  std::string items;
  for (const std::string& type : types) items += text(type) + vector_in(type + "Storage", type, 2);
  const NamedTensors found = load(dict(items), data);
  REQUIRE(found.size() == std::size(types));
  for (size_t i = 0; i < found.size(); ++i) CHECK(found[i].name == types[i]);
  CHECK(found[0].tensor.to_vector<float>() == std::vector{1.5F, -2.0F});
  CHECK(found[1].tensor.to_vector<double>() == std::vector{1e300, -0.0});
  CHECK(found[2].tensor.to_vector<int64_t>() == std::vector<int64_t>{1LL << 60, -1});
  CHECK(found[3].tensor.to_vector<int32_t>() == std::vector{1 << 30, -1});
  CHECK(found[4].tensor.to_vector<uint8_t>() == std::vector<uint8_t>{0, 255});
  CHECK(found[5].tensor.to_vector<bool>() == std::vector{false, true});
  CHECK(found[6].tensor.to_vector<float>() == std::vector{1.0F, -0x1p-24F});
  CHECK(found[7].tensor.to_vector<float>() ==
        std::vector{-2.0F, std::numeric_limits<float>::infinity()});
  CHECK(found[8].tensor.to_vector<int32_t>() == std::vector{-300, 300});
  CHECK(found[9].tensor.to_vector<int32_t>() == std::vector{-128, 127});
}

TEST_CASE("tensors are views of storages, and copies here") {
  const Entries data = {{"0", bytes({0.0F, 1.0F, 2.0F, 3.0F, 4.0F, 5.0F})}};
  const std::string six = storage("FloatStorage", "0", 6);
  const NamedTensors found =
      load("(" + tensor_in(six, 0, sizes({2, 3}), sizes({3, 1})) +
               tensor_in(six, 0, sizes({3, 2}), sizes({1, 3})) +
               tensor_in(six, 5, sizes({1, 1}), sizes({100, 100})) +
               tensor_in(six, 4, sizes({2, 2}), sizes({0, 1})) + tensor_in(six, 2, ")", ")") +
               tensor_in(six, 7, sizes({0, 4}), sizes({4, 1})) +
               tensor_in(six, 0, sizes({6}), sizes({1})) + "t",
           data);
  REQUIRE(found.size() == 7);
  const std::vector<float> expected[] = {
      {0, 1, 2, 3, 4, 5}, {0, 3, 1, 4, 2, 5}, {5}, {4, 5, 4, 5}, {2}, {}, {0, 1, 2, 3, 4, 5}};
  for (size_t i = 0; i < found.size(); ++i) {
    Tensor x = found[i].tensor;
    CAPTURE(i);
    CHECK(x.is_contiguous());
    CHECK(x.to_vector<float>() == expected[i]);
    x.fill_(9);  // of no effect on the others
  }
  CHECK(found[1].tensor.shape() == Shape{3, 2});
  CHECK(found[4].tensor.shape().empty());
  CHECK(found[5].tensor.shape() == Shape{0, 4});
}

TEST_CASE("each instruction of a pickle does what it does in Python") {
  const Entries data = {{"0", bytes({7.0F})}};
  const std::string x = vector_in("FloatStorage", "0", 1);
  const auto names_of = [&](const std::string& values) {
    std::string names;
    for (const NamedTensor& t : load(values, data)) names += t.name + " ";
    return names;
  };
  // Keys, of which the first are integers.
  CHECK(names_of(dict("K\xff" + x + "M\xff\xff" + x + "J" + bytes<int32_t>({-2}) + x)) ==
        "255 65535 -2 ");
  const std::string zero(1, '\0');
  CHECK(names_of(dict("\x8a" + zero + x + "\x8a\1\xff" + x + "\x8a\2\xff" + zero + x + "\x8b" +
                      bytes<uint32_t>({3}) + "\1" + zero + "\1" + x)) == "0 -1 255 65537 ");
  CHECK(names_of(dict(text("a") + x + "\x8c\1b" + x + "\x8d" + bytes<uint64_t>({2}) + "cd" + x)) ==
        "a b cd ");
  // Lists, tuples and dictionaries, filled at once and item by item.
  CHECK(names_of("](" + x + x + "e") == "0 1 ");
  CHECK(names_of("]" + x + "aNa" + x + "a") == "0 2 ");
  CHECK(names_of("}" + text("a") + x + "s" + text("b") + "]s" + text("c") + x + "\x85s") ==
        "a c.0 ");
  CHECK(names_of(x + x + "\x86") == "0 1 ");
  CHECK(names_of(x + "N" + x + "\x87") == "0 2 ");
  CHECK(names_of("(" + x + ")]}G12345678\x88\x89t") == "0 ");
  // The memo.
  CHECK(names_of(x + "q\5(h\5h\5t\x86") == "0 1.0 1.1 ");
  CHECK(names_of(x + "r" + bytes<uint32_t>({100}) + "j" + bytes<uint32_t>({100}) + "\x86") ==
        "0 1 ");
  CHECK(names_of(x + "\x94" + text("a") + "\x94(h" + zero + "h\1t\x87") == "0 2.0 ");
  CHECK(names_of("]q\1" + x + "ah\1" + x + "a\x86") == "0.0 0.1 1.0 1.1 ");
  // An OrderedDict with state, and names on the stack.
  CHECK(names_of(global("collections", "OrderedDict") + ")R" + text("a") + x + "s" +
                 dict(text("_metadata") + x) + "b") == "a ");
  CHECK(names_of("\x95" + bytes<uint64_t>({99}) + text("collections") + text("OrderedDict") +
                 "\x93)R" + text("a") + x + "s") == "a ");
  CHECK(names_of(global("torch._utils", "_rebuild_parameter") + tuple(x + "\x88}") + "R") == " ");
}

TEST_CASE("a prefix chooses a part") {
  const Entries data = {{"0", bytes({7.0F})}, {"1", bytes({8.0F})}};
  const std::string x = vector_in("FloatStorage", "0", 1), y = vector_in("FloatStorage", "1", 1);
  const std::string values =
      dict(text("model") + dict(text("a.b") + x) + text("model2") + y + text("last") + "N");
  CHECK(load(values, data).size() == 2);
  const NamedTensors part = load(values, data, {.prefix = "model"});
  REQUIRE(part.size() == 1);
  CHECK(part[0].name == "a.b");
  CHECK(part[0].tensor.item() == 7);
  CHECK(load(values, data, {.prefix = "model.a"})[0].name == "b");
  CHECK(load("N").empty());
  // What is left out is not read.
  CHECK(load(values, {data[0]}, {.prefix = "model"}).size() == 1);
  CHECK(error_of(values, {data[0]}) ==
        "x.pt': tensor 'model2' needs the entry 'data/1', which there is not");
  CHECK(error_of(entries_of(values, data), {.prefix = "mode"}) ==
        "x.pt': no tensor's name begins with 'mode.'. Hint: its names go from 'model.a.b' to "
        "'model2'");
  CHECK(error_of(entries_of("N", {}), {.prefix = "a"}) ==
        "x.pt': no tensor's name begins with 'a.'. Hint: there is no tensor in it");
}

TEST_CASE("pickles that are damaged are refused") {
  const auto check = [](const std::string& values, const std::string& what) {
    CAPTURE(values);
    CHECK(error_of(values) == in_pickle + what);
  };
  CHECK(error_of(Entries{{"x/data.pkl", "\x80\x06N."}}) ==
        in_pickle + "is of a protocol other than 2 to 5, at byte 1");
  CHECK(error_of(Entries{{"x/data.pkl", "N."}}) ==
        in_pickle + "is of a protocol other than 2 to 5, at byte 1");
  CHECK(error_of(Entries{{"x/data.pkl", "\x80\x02"}}) ==
        in_pickle + "ends within an instruction, at byte 2");
  check("NN", "does not end with its one value, at byte 5");
  check("N.N", "does not end with its one value, at byte 4");
  check("", "does not end with its one value, at byte 3");
  check("(N", "does not end with its one value, at byte 5");
  check("X" + bytes<uint32_t>({1000}) + "abc", "ends within an instruction, at byte 7");
  check("\x8d" + bytes<uint64_t>({~uint64_t{0}}), "ends within an instruction, at byte 11");
  check("\x8b" + bytes<uint32_t>({~uint32_t{0}}), "ends within an instruction, at byte 7");
  check("cos", "has a name without an end, at byte 3");
  for (const char code : {'i', 'o', 'P', '0', '2', 'I', '\x81', '\x82', '\x8f', '\x8e', 'C'}) {
    const int number = static_cast<uint8_t>(code);
    check(std::string(1, code), str("has instruction ", number, ", which is not known, at byte 3"));
  }
  check("q" + std::string(1, '\0'), "takes more values than there are, at byte 4");
  check("N\x86", "takes more values than there are, at byte 4");
  check("]a", "takes more values than there are, at byte 4");
  check("](a", "takes more values than there are, at byte 5");  // not beyond the mark
  check("](Na", "takes more values than there are, at byte 6");
  check("]e", "has a mark too few, at byte 4");
  check("(Nu", "takes more values than there are, at byte 5");
  check("NNa", "adds items to what has none, at byte 5");
  check(")Na", "adds items to what has none, at byte 5");
  check("](NNu", "adds items to what has none, at byte 7");
  check("}(Nu", "adds a key without its value, at byte 6");
  check("Nr" + bytes<uint32_t>({4'000'000'000}),
        "notes a value under number 4000000000, at byte 8");
  check("h\7", "uses value 7, which it does not have, at byte 4");
  check("Nq\7h\6", "uses value 6, which it does not have, at byte 7");
  check("N)R", "calls no function, at byte 5");
  check(global("collections", "OrderedDict") + "NR", "calls no function, at byte 29");
  check(global("collections", "OrderedDict") + "N\x85R",
        "has an OrderedDict with arguments, at byte 30");
  check("]}b", "has state of what is no dictionary, at byte 5");
  check("NN\x93", "has a name that is no text, at byte 5");
}

TEST_CASE("nothing is called, and what asks for it is named") {
  const auto error = [](const std::string& module, const std::string& name) {
    return error_of(global(module, name) + "(tR");
  };
  const std::string contains = "x.pt: x/data.pkl': it contains ";
  const std::string hint = "), which cannot be read";
  CHECK(error("os", "system") == contains + "a Python object (os.system" + hint);
  CHECK(error("torch", "Flo\x1b") == contains + "a Python object (torch.Flo\uFFFD" + hint);
  CHECK(error_of(text("os") + text("system") + "\x93") ==
        contains + "a Python object (os.system" + hint);
  CHECK(error("torch._utils", "_rebuild_tensor_v3")
            .starts_with(contains + "a tensor of a type that there is not here (torch._utils."));
  // Classes of storages cannot be called, and are no values.
  CHECK(error("torch", "FloatStorage") == "x.pt': tensor '' is no tensor");
  CHECK(load(global("torch", "FloatStorage")).empty());
}

TEST_CASE("tensors stay within their data") {
  const Entries data = {{"0", bytes({0.0F, 1.0F, 2.0F, 3.0F, 4.0F, 5.0F})}};
  constexpr int64_t largest = std::numeric_limits<int64_t>::max();
  const auto error = [&](int64_t offset, const std::string& shape, const std::string& strides) {
    return error_of(tensor_in(storage("FloatStorage", "0", 6), offset, shape, strides), data);
  };
  const std::string begin = "x.pt': tensor '' ", end = " goes beyond its 6 elements";
  CHECK(error(0, sizes({7}), sizes({1})) == begin + "of shape [7], strides [1] and offset 0" + end);
  CHECK(error(1, sizes({6}), sizes({1})) == begin + "of shape [6], strides [1] and offset 1" + end);
  CHECK(error(6, ")", ")") == begin + "of shape [], strides [] and offset 6" + end);
  CHECK(error(-1, ")", ")") == begin + "of shape [], strides [] and offset -1" + end);
  CHECK(error(0, sizes({2, 3}), sizes({4, 1})).ends_with(end));
  CHECK(error(0, sizes({2, 2}), sizes({largest, largest})).ends_with(end));
  CHECK(error(largest, sizes({2}), sizes({largest})).ends_with(end));
  CHECK(error(0, sizes({2}), sizes({-1})) == begin + "has a size that is no number");
  CHECK(error(0, sizes({-1}), sizes({1})) == begin + "has a size that is no number");
  CHECK(error(0, "(Nt", sizes({1})) == begin + "has a size that is no number");
  CHECK(error(0, "]", ")") == begin + "has no shape");
  CHECK(error(0, sizes({1}), ")") == begin + "has no place");
  CHECK(error(0, sizes({largest, 2}), sizes({0, 0})) ==
        begin + str("of shape [", largest, ",2] overflows 63 bits"));
  CHECK(error(0, sizes({0, largest, largest}), sizes({0, 0, 0})).ends_with("overflows 63 bits"));
  CHECK(error(0, sizes({1, 1, 1, 1, 1, 1, 1, 1, 1}), ")") ==
        begin + "has 9 dimensions; 8 are the most there can be. Hint: reshape it before saving");
}

TEST_CASE("storages are as large as they say, and of one type") {
  const Entries data = {{"0", bytes({0.0F, 1.0F})}};
  const std::string begin = "x.pt': tensor '' ";
  CHECK(error_of(vector_in("FloatStorage", "0", 3), data) ==
        begin + "needs 3 elements of 4 bytes, its entry has 8 bytes");
  CHECK(error_of(vector_in("FloatStorage", "0", 1), data) ==
        begin + "needs 1 elements of 4 bytes, its entry has 8 bytes");
  CHECK(error_of(vector_in("DoubleStorage", "0", int64_t{1} << 61), data) ==
        begin + str("needs ", int64_t{1} << 61, " elements of 8 bytes, its entry has 8 bytes"));
  CHECK(error_of(vector_in("FloatStorage", "0", 1), {{"0", "12345"}}) ==
        begin + "needs 1 elements of 4 bytes, its entry has 5 bytes");
  CHECK(error_of(vector_in("FloatStorage", "../0", 1), data) ==
        begin + "needs the entry 'data/../0', which there is not");
  CHECK(error_of(vector_in("FloatStorage", "0", 2) + vector_in("IntStorage", "0", 2) + "\x86",
                 data) == "x.pt': tensor '1' describes its storage other than a tensor before it");
  const std::string unknown = begin + "has a storage that is described in an unknown way";
  CHECK(error_of(tensor_in(storage("FloatStorage", "0", -1), 0, ")", ")"), data) == unknown);
  CHECK(error_of(tensor_in(")Q", 0, ")", ")"), data) == unknown);
  CHECK(error_of(tensor_in("NQ", 0, ")", ")"), data) == begin + "has no storage");
  CHECK(error_of(tensor_in("N", 0, ")", ")"), data) == begin + "has no storage");
  CHECK(error_of(storage("FloatStorage", "0", 2), data) == "x.pt': '' is a storage, not a tensor");
  const std::string call = global("torch._utils", "_rebuild_parameter");
  CHECK(error_of(call + ")R") == begin + "is no tensor");
  CHECK(error_of(call + call + ")R\x85R") == begin + "is no tensor");
  CHECK(error_of(global("torch._utils", "_rebuild_tensor_v2") + "(NNNtR") ==
        begin + "is no tensor");
}

TEST_CASE("few bytes cannot ask for much time or memory") {
  const Entries data = {{"0", bytes({7.0F})}};
  const std::string one = storage("FloatStorage", "0", 1), x = vector_in("FloatStorage", "0", 1);
  const std::string too_much = "x.pt': it unfolds to more than 62914560 bytes, from a file of ";
  const auto refused = [&](const std::string& values) {
    const int64_t before = live_bytes();
    std::string message;
    CHECK(processor_seconds([&] { message = error_of(values, data); }) < 5);
    CHECK(live_bytes() == before);
    return message;
  };
  // Strides of 0 are what expand() gives, up to a limit.
  const auto expanded = [&](int64_t n) { return tensor_in(one, 0, sizes({n}), sizes({0})); };
  CHECK(load(expanded(1'000'000), data)[0].tensor.numel() == 1'000'000);
  CHECK(refused(expanded(16'000'000)).starts_with(too_much));
  CHECK(refused("(" + repeated(expanded(1'000'000), 20) + "t").starts_with(too_much));
  // Lists that contain the one before twice, and itself.
  CHECK(refused("](" + x + "e" + repeated("q\1h\1\x86", 50)).starts_with(too_much));
  CHECK(
      refused("](" + repeated("N", 1000) + "e" + repeated("q\1h\1\x86", 50)).starts_with(too_much));
  CHECK(refused("]q\1(h\1h\1e").find("nested deeper than 64") != std::string::npos);
  CHECK(refused("]q\1h\1a").find("nested deeper than 64") != std::string::npos);
  CHECK(refused(repeated("]", 100'000) + repeated("a", 99'999)).find("nested deeper than 64") !=
        std::string::npos);
  // A long name again and again.
  CHECK(refused("}(" + text(std::string(100'000, 'a')) + "q\1]q\2" + repeated("h\1h\2", 1000) + "u")
            .starts_with(too_much));
  CHECK(refused(dict(text("a") + x + text("a") + x)) == "x.pt': the name 'a' appears twice");
  CHECK(refused(dict("N" + x)) == "x.pt': '' has a key that is neither text nor an integer");
}

TEST_CASE("a file that PyTorch wrote is read") {
  const auto corpus = std::filesystem::path(source_folder()) / "tests/fuzz/corpus/pytorch";
  const NamedTensors found = load_pytorch(corpus / "state_dict.pt");
  std::vector<std::string> names;
  for (const NamedTensor& t : found) names.push_back(t.name);
  CHECK(joined(names) ==
        "0.weight, 0.bias, 1.weight, 1.bias, 1.running_mean, 1.running_var, "
        "1.num_batches_tracked");
  CHECK(found[0].tensor.shape() == Shape{2, 1, 2, 2});
  CHECK(fixed(found[0].tensor[0][0][0][0].item(), 4) == "-0.0037");
  CHECK(found[5].tensor.to_vector<float>() == std::vector{1.0F, 1.0F});
  CHECK(found[6].tensor.item<int64_t>() == 0);
  std::string damaged = test::read_text(corpus / "state_dict.pt");
  damaged[damaged.find("bias")] = 'B';
  CHECK(
      error_of_bytes(damaged) ==
      "x.pt': entry 'state_dict/data.pkl' is damaged: wrong checksum. Hint: save it again, or copy "
      "it anew if it was damaged on the way");
}

TEST_CASE("other files are recognized") {
  const std::string not_ours =
      "x.pt': it is no file of torch.save: it does not begin like a zip archive. Hint: "
      "torch.save(model.state_dict(), path) writes one";
  const std::string convert = ". Hint: convert it in Python: torch.save(torch.load(path), path)";
  CHECK(error_of_bytes("") == not_ours);
  CHECK(error_of_bytes("\x93NUMPY") == not_ours);
  CHECK(error_of_bytes("PK\3\4").starts_with("x.pt': it is no zip archive, or was cut"));
  CHECK(error_of_bytes("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20j\xa8\x50\x19.") ==
        "x.pt': it has the format of PyTorch before version 1.6" + convert);
  CHECK(error_of_bytes(std::string(257, '\0') + "ustar  ") ==
        "x.pt': it has the format of PyTorch before version 0.2" + convert);
  CHECK(error_of(Entries{{"a.npy", ""}}) ==
        "x.pt': it is no file of torch.save: there is no data.pkl in it. Hint: "
        "torch.save(model.state_dict(), path) writes one");
  CHECK(error_of(Entries{{"x/y/data.pkl", ""}}).starts_with("x.pt': it is no file of torch.save"));
  CHECK(error_of(Entries{{"x/data.pkl", ""}, {"x/constants.pkl", ""}}) ==
        "x.pt': it is a TorchScript archive: a program, not a state. Hint: in Python: "
        "torch.save(torch.jit.load(path).state_dict(), path)");
  CHECK(error_of(Entries{{"x/data.pkl", "\x80\2N."}, {"x/byteorder", "big"}})
            .starts_with("x.pt': its byte order is 'big', only 'little' can be read"));
  CHECK(error_of(Entries{{"x/data.pkl", "\x80\2N."}, {"x/byteorder", std::string(17, 'x')}}) ==
        "x.pt': entry 'x/byteorder' has 17 bytes, more than 16");
  CHECK(message_of([] { load_pytorch("missing.pt"); }) ==
        "[load_pytorch] 'missing.pt': the file does not exist. Hint: check the name");
}
