"""Runs packaging/conan/conanfile.py with stand-ins for the few things of Conan that it uses, whose
CMake runs CMake, and looks at the package:

    conan_recipe_test.py SOURCE WORK COMPILER OPTION...
"""

import fnmatch
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import types

SOURCE, WORK, COMPILER = map(pathlib.Path, sys.argv[1:4])
OPTIONS = sys.argv[4:]


def copy(_, pattern, src, dst, excludes=()):
    for folder, folders, files in os.walk(src):
        relative = os.path.relpath(folder, src)
        def excluded(name):
            path = os.path.normpath(os.path.join(relative, name))
            return any(fnmatch.fnmatch(path, exclude) for exclude in excludes)
        folders[:] = [name for name in folders if not excluded(name)]
        for name in fnmatch.filter(files, pattern):
            if not excluded(name):
                os.makedirs(os.path.join(dst, relative), exist_ok=True)
                shutil.copy2(os.path.join(folder, name), os.path.join(dst, relative, name))
        if "*" not in pattern:
            break


class Toolchain:
    def __init__(self, recipe):
        self.recipe = recipe
        self.cache_variables = {}

    def generate(self):
        self.recipe.variables = self.cache_variables


class CMake:
    def __init__(self, recipe):
        self.recipe = recipe

    def configure(self):
        recipe = self.recipe
        values = {**recipe.variables, "BUILD_SHARED_LIBS": recipe.options.shared,
                  "CMAKE_POSITION_INDEPENDENT_CODE": True, "CMAKE_CXX_COMPILER": COMPILER,
                  "CMAKE_INSTALL_LIBDIR": "lib"}
        run("cmake", "-S", recipe.source_folder, "-B", recipe.build_folder, "-G", "Ninja",
            *(f"-D{name}={value}" for name, value in values.items()), *OPTIONS)

    def build(self):
        run("cmake", "--build", self.recipe.build_folder)

    def install(self):
        run("cmake", "--install", self.recipe.build_folder, "--prefix", self.recipe.package_folder)


class CppInfo:
    def __init__(self):
        self.properties, self.libs, self.system_libs = {}, [], []

    def set_property(self, name, value):
        self.properties[name] = value


class Recipe:
    def requires(self, reference):
        self.required.append(reference.split("/")[0])


def run(*command):
    result = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
    assert result.returncode == 0, result.stdout


def stand_in(name, **content):
    module = types.ModuleType(name)
    vars(module).update(content)
    sys.modules[name] = module


class Generator:
    def __init__(self, recipe):
        pass

    def generate(self):
        pass


stand_in("conan", ConanFile=Recipe)
stand_in("conan.tools")
stand_in("conan.tools.build", check_min_cppstd=lambda recipe, version: None)
stand_in("conan.tools.cmake", CMake=CMake, CMakeDeps=Generator, CMakeToolchain=Toolchain,
         cmake_layout=lambda recipe: None)
stand_in("conan.tools.files", copy=copy, load=lambda recipe, path: pathlib.Path(path).read_text(),
         rmdir=lambda recipe, path: shutil.rmtree(path, ignore_errors=True))
stand_in("conan.tools.gnu", PkgConfigDeps=Generator)

sys.dont_write_bytecode = True
file = SOURCE / "packaging/conan/conanfile.py"
spec = importlib.util.spec_from_file_location("conanfile", file)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)

shutil.rmtree(WORK, ignore_errors=True)
recipe = module.GradusConan()
recipe.recipe_folder = str(file.parent)
recipe.export_sources_folder = recipe.source_folder = str(WORK / "source")
recipe.build_folder, recipe.package_folder = str(WORK / "build"), str(WORK / "package")
recipe.options = types.SimpleNamespace(shared=False, fPIC=True, download=True)
recipe.settings = types.SimpleNamespace(os="Linux")
recipe.required, recipe.cpp_info = [], CppInfo()
for step in ("set_version", "export_sources", "validate", "requirements", "layout", "generate",
             "build", "package", "package_info"):
    getattr(recipe, step)()

assert f"project(gradus VERSION {recipe.version} " in (SOURCE / "CMakeLists.txt").read_text()
assert not (WORK / "source/build").exists() and not (WORK / "source/.git").exists()
assert set(recipe.required) == {"openblas", "nlohmann_json", "zlib", "libcurl"}
package = WORK / "package"
assert recipe.cpp_info.libs == ["gradus"] and (package / "lib/libgradus.a").exists()
assert (package / "include/gradus/gradus.h").exists() and (package / "licenses/LICENSE").exists()
assert sorted(path.name for path in package.iterdir()) == ["include", "lib", "licenses"]
assert recipe.cpp_info.properties["cmake_target_name"] == "gradus::gradus"
