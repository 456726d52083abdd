# An overlay port that builds the sources it lies in, a checkout or an unpacked archive:
#
#   vcpkg install gradus --overlay-ports=gradus-0.2.0/packaging/vcpkg
cmake_path(SET SOURCE_PATH NORMALIZE "${CMAKE_CURRENT_LIST_DIR}/../..")

vcpkg_check_features(OUT_FEATURE_OPTIONS features
                     INVERTED_FEATURES download CMAKE_DISABLE_FIND_PACKAGE_CURL)
vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS -DGRADUS_BUILD_TESTS=OFF -DGRADUS_BUILD_EXAMPLES=OFF -DGRADUS_BUILD_BENCHMARKS=OFF
          -DCMAKE_DISABLE_FIND_PACKAGE_MPI=ON ${features}
  MAYBE_UNUSED_VARIABLES CMAKE_DISABLE_FIND_PACKAGE_CURL)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/gradus)
vcpkg_fixup_pkgconfig()

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share"
                    "${CURRENT_PACKAGES_DIR}/share/doc")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
