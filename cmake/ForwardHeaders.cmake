# Public headers that have moved: the paths of version 0.1 lead to the new ones until 0.3. They are
# made in a folder of the build tree that comes after the sources' own, and installed beside them.
set(gradus_moved_headers
    core/base/atomic_file.h:core/io/atomic_file.h
    core/base/inflation.h:core/io/deflate.h
    core/base/input_file.h:core/io/input_file.h
    core/base/sha256.h:core/io/sha256.h
    core/checkpoint.h:core/io/checkpoint.h
    core/checkpoint_folder.h:core/io/checkpoint_folder.h
    core/losses.h:core/loss/loss.h
    core/norms.h:core/norm/norm.h
    core/npy.h:core/io/npy.h
    core/serialize.h:core/io/safetensors.h
    core/spatial.h:core/conv/conv.h,core/pool/pool.h,core/pool/upsample.h
    core/update.h:optim/clip.h,optim/ema.h
    datasets/catalog.h:datasets/known_datasets.h
    datasets/file.h:core/io/input_file.h
    datasets/gzip.h:core/io/deflate.h
    datasets/image_view.h:datasets/transform.h
    datasets/open.h:datasets/open_dataset.h
    nn/decay.h:nn/weight_decay.h
    nn/fold.h:nn/fold_batch_norm.h
    nn/mode.h:nn/training_mode.h
    nn/norm_statistics.h:nn/running_statistics.h
    optim/state_loader.h:core/io/state_loader.h)

set(gradus_forward_folder ${PROJECT_BINARY_DIR}/forward)
set(gradus_forward_paths "")
foreach(row IN LISTS gradus_moved_headers)
  string(REGEX MATCH "^(.+):(.+)$" row ${row})
  set(old ${CMAKE_MATCH_1})
  string(REPLACE "," ">\n#include <gradus/" includes "#include <gradus/${CMAKE_MATCH_2}>")
  file(CONFIGURE OUTPUT ${gradus_forward_folder}/gradus/${old}
       CONTENT "// Moved; this path goes with version 0.3.\n#pragma once\n\n${includes}\n")
  list(APPEND gradus_forward_paths ${old})
endforeach()
target_include_directories(gradus PUBLIC $<BUILD_INTERFACE:${gradus_forward_folder}>)
