// Python's pickles of protocols 2 to 5, as data: what one asks Python to call is described, and
// nothing is ever executed. For pytorch_file.cpp.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "input_file.h"

namespace gradus {

/// A value in a pickle.
struct PickleValue {
  /// What it is.
  enum class Kind : uint8_t {
    none,        ///< no value at all
    other,       ///< None, True, False, a float, an integer beyond 64 bits
    integer,     ///< a number
    text,        ///< UTF-8, unchecked
    tuple,       ///< items
    list,        ///< items
    dict,        ///< items are key, value, key, value ...; an OrderedDict is one, too
    global,      ///< a class or function by its name; a number stands for it
    call,        ///< items are a global and the tuple of its arguments
    persistent,  ///< the item identifies an object that is kept outside the pickle
  };
  Kind kind = Kind::none;
  int64_t number = 0;          ///< an integer, a global, or where the items are
  std::string_view text = {};  ///< within the bytes of the pickle
};

/// A pickle that was read. Values refer to others by number, so that neither depth nor cycles
/// matter here; who follows them must take care of both.
struct Pickle {
  PickleValue root;                            ///< what was pickled
  std::deque<std::vector<PickleValue>> lists;  ///< items of values

  /// Of a value that has some.
  const std::vector<PickleValue>& items(const PickleValue& value) const {
    return lists[static_cast<size_t>(value.number)];
  }
};

/// Reads a pickle; its values refer to `bytes`. `find_global` gets "module.name" of each class and
/// function in it, apart from OrderedDict, and returns a number for it, at least 0, or throws.
/// State that is set on dictionaries (the versions of modules in a state dict) is left out. Throws
/// IoError in the name of `file` for anything that is not a complete pickle of values as above:
/// there are no sets, bytes, nor objects. Takes up to 60 times as much memory as `bytes`.
Pickle read_pickle(const InputFile& file, std::string_view bytes,
                   const std::function<int64_t(const std::string& name)>& find_global);

}  // namespace gradus
