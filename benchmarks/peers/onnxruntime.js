// Inference of the nets that onnx_nets.py wrote, in ONNX Runtime. The last line is an object with
// the results, as bench_train prints it.
//
//   node onnxruntime.js FOLDER_OF_NETS NET THREADS SECONDS BATCH_SIZE
'use strict';

const path = require('path');

const [folder, net, threads, seconds, batchSize] = process.argv.slice(2);
const home = path.join(folder, '..', 'node_modules');
const {Tensor} = require(path.join(home, 'onnxruntime-common'));
// The binding itself: what wraps it yields to the event loop before each run, which counts for
// one image.
const {binding, initOrt} = require(path.join(home, 'onnxruntime-node/dist/binding'));

/** The median time of a call, over calls that take some `seconds` in total. */
function medianSeconds(seconds, run) {
  const times = [];
  const start = process.hrtime.bigint();
  for (let i = 0; i < 10; ++i) run();
  for (let now = start; times.length < 5 || Number(now - start) < 1e9 * seconds;) {
    const begin = process.hrtime.bigint();
    run();
    now = process.hrtime.bigint();
    times.push(Number(now - begin));
  }
  times.sort((a, b) => a - b);
  return 1e-9 * times[Math.floor(times.length / 2)];
}

function main() {
  initOrt();
  const session = new binding.InferenceSession();
  session.loadModel(path.join(folder, `${net}.onnx`), {
    intraOpNumThreads: Number(threads),
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
  });
  const shape = session.inputMetadata[0].shape.slice(1);
  const fetches = {[session.outputMetadata[0].name]: null};
  const secondsOf = (images, budget) => {
    const size = shape.reduce((a, b) => a * b, images);
    const x = new Tensor('float32', Float32Array.from({length: size}, Math.random),
                         [images, ...shape]);
    return medianSeconds(budget, () => session.run({x}, fetches, {}));
  };
  const batch = secondsOf(Number(batchSize), 0.6 * seconds);
  const one = secondsOf(1, 0.4 * seconds);
  console.log(JSON.stringify({
    net,
    infer_images_per_second: Number(batchSize) / batch,
    infer_one_seconds: one,
  }));
}

main();
