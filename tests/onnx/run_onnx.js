// Executes exported nets in ONNX Runtime and compares with what Gradus computed.
//
//   node run_onnx.js FOLDER_WITH_NODE_MODULES FOLDER
//
// The folder has NAME.onnx, and NAME.safetensors with inputs x0, x1 ... and outputs y0, y1 ... for
// each net. Prints a line for each that disagrees; exits with 1 then.
'use strict';

const fs = require('fs');
const path = require('path');

const [home, folder] = process.argv.slice(2);
const ort = require(path.join(path.resolve(home), 'node_modules', 'onnxruntime-node'));

/** Of the largest element of an output. */
const TOLERANCE = 1e-5;

const TYPES = {
  F32: ['float32', Float32Array], I64: ['int64', BigInt64Array], U8: ['uint8', Uint8Array],
  I32: ['int32', Int32Array], BOOL: ['bool', Uint8Array],
};

function readSafetensors(file) {
  const bytes = fs.readFileSync(file);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length));
  const tensors = {};
  for (const [name, {dtype, shape, data_offsets: [begin, end]}] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const [type, ArrayType] = TYPES[dtype];
    const copy = bytes.subarray(8 + length + begin, 8 + length + end);
    const buffer = copy.buffer.slice(copy.byteOffset, copy.byteOffset + copy.byteLength);
    tensors[name] = {type, shape, data: new ArrayType(buffer)};
  }
  return tensors;
}

/** What is wrong with an output; undefined if it agrees. */
function difference(y, expected) {
  if (y.dims.join() !== expected.shape.join()) {
    return `shape [${y.dims}], expected [${expected.shape}]`;
  }
  let largest = 0, error = 0;
  for (let i = 0; i < expected.data.length; ++i) {
    largest = Math.max(largest, Math.abs(Number(expected.data[i])));
    const d = Math.abs(Number(y.data[i]) - Number(expected.data[i]));
    if (!(d <= error)) error = d;  // NaN, too
  }
  if (!(error <= TOLERANCE * largest)) return `differs by ${error} of ${largest}`;
  return undefined;
}

async function check(name) {
  const tensors = readSafetensors(path.join(folder, `${name}.safetensors`));
  const session = await ort.InferenceSession.create(
    path.join(folder, `${name}.onnx`),
    {intraOpNumThreads: 1, logSeverityLevel: 2});
  if (session.inputNames.length !== 1 || session.outputNames.length !== 1) {
    return `has inputs ${session.inputNames}, outputs ${session.outputNames}`;
  }
  let runs = 0;
  for (let i = 0; tensors[`x${i}`]; ++i, ++runs) {
    const {type, shape, data} = tensors[`x${i}`];
    const result = await session.run(
      {[session.inputNames[0]]: new ort.Tensor(type, data, shape)});
    const wrong = difference(result[session.outputNames[0]], tensors[`y${i}`]);
    if (wrong) return `input [${shape}]: ${wrong}`;
  }
  return runs > 0 ? undefined : 'has nothing to compare';
}

async function main() {
  const names = fs.readdirSync(folder).filter((file) => file.endsWith('.onnx')).sort()
    .map((file) => file.slice(0, -'.onnx'.length));
  let failed = 0;
  for (const name of names) {
    const wrong = await check(name).catch((error) => error.message);
    if (wrong) {
      console.log(`${name}: ${wrong}`);
      ++failed;
    }
  }
  console.log(`${names.length - failed} of ${names.length} nets agree in ONNX Runtime`);
  process.exit(failed === 0 && names.length > 0 ? 0 : 1);
}

main();
