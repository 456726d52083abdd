"""The reference checker of ONNX accepts the files whose opset it knows.

    check_onnx.py FOLDER
"""

import pathlib
import sys

import onnx

NEWEST = onnx.defs.onnx_opset_version()


def main(folder):
    checked = 0
    newer = 0
    for file in sorted(folder.glob("*.onnx")):
        model = onnx.load(file)
        names = {tensor.name for tensor in model.graph.initializer}
        inputs = {value.name for value in model.graph.input}
        assert not names & inputs, f"{file}: initializers among the inputs: {names & inputs}"
        if model.opset_import[0].version > NEWEST:
            newer += 1
            continue
        try:
            onnx.checker.check_model(model, full_check=True)
        except Exception as error:
            sys.exit(f"{file}: {error}")
        checked += 1
    assert checked > 0, f"no files in {folder}"
    print(f"{checked} files accepted; {newer} have a newer opset than {NEWEST}")


main(pathlib.Path(sys.argv[1]))
