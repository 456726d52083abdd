"""Recipe for Conan 2. It builds the sources it lies in, a checkout or an unpacked archive:

    conan create gradus-0.2.0/packaging/conan --build=missing
"""

import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rmdir
from conan.tools.gnu import PkgConfigDeps

FEATURES = ("TESTS", "EXAMPLES", "BENCHMARKS")


class GradusConan(ConanFile):
    name = "gradus"
    description = "A minimal deep learning framework with a readable tape"
    license = "MIT"
    topics = ("deep-learning", "automatic-differentiation")
    package_type = "library"
    settings = "os", "compiler", "build_type", "arch"
    options = {"shared": [True, False], "fPIC": [True, False], "download": [True, False]}
    default_options = {"shared": False, "fPIC": True, "download": True,
                       "openblas/*:build_lapack": True}
    implements = ["auto_shared_fpic"]

    def _sources(self):
        return os.path.normpath(os.path.join(self.recipe_folder, "..", ".."))

    def set_version(self):
        text = load(self, os.path.join(self._sources(), "CMakeLists.txt"))
        self.version = re.search(r"project\(gradus VERSION ([0-9.]+)", text).group(1)

    def export_sources(self):
        copy(self, "*", src=self._sources(), dst=self.export_sources_folder,
             excludes=("build", "build/*", ".git", ".git/*"))

    def validate(self):
        check_min_cppstd(self, 20)

    def requirements(self):
        self.requires("openblas/[>=0.3.20 <1]")
        self.requires("nlohmann_json/[>=3.9 <4]")
        self.requires("zlib/[>=1.2.11 <2]")
        if self.options.download:
            self.requires("libcurl/[>=7.78 <9]")

    def layout(self):
        cmake_layout(self)

    def generate(self):
        CMakeDeps(self).generate()
        PkgConfigDeps(self).generate()  # OpenBLAS is found by it
        toolchain = CMakeToolchain(self)
        for feature in FEATURES:
            toolchain.cache_variables[f"GRADUS_BUILD_{feature}"] = False
        toolchain.cache_variables["CMAKE_DISABLE_FIND_PACKAGE_MPI"] = True
        toolchain.cache_variables["CMAKE_DISABLE_FIND_PACKAGE_CURL"] = not self.options.download
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", src=self.source_folder,
             dst=os.path.join(self.package_folder, "licenses"))
        # Conan writes what finds the package.
        for folder in ("lib/cmake", "lib/pkgconfig", "share"):
            rmdir(self, os.path.join(self.package_folder, folder))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "gradus")
        self.cpp_info.set_property("cmake_target_name", "gradus::gradus")
        self.cpp_info.set_property("pkg_config_name", "gradus")
        self.cpp_info.libs = ["gradus"]
        if self.settings.os == "Linux":
            self.cpp_info.system_libs = ["dl", "m", "pthread"]
