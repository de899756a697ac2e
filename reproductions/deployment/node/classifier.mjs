// A classifier in Node, asked in JSON lines on stdin as the survey's other child processes are.
//
//   node classifier.mjs PACKAGES PROTOCOL RUNTIME      RUNTIME: onnxruntime-node, tfjs-cpu or tfjs-wasm
//
// PACKAGES is the folder that holds node_modules, PROTOCOL the file protocol.mjs of the pages.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

// Answers alone go to stdout; what a library says goes to the log.
console.log = console.info = console.debug = console.warn = console.error;

const [packages, protocolFile, runtime] = process.argv.slice(2);
const load = createRequire(path.join(packages, "package.json"));
const { onnxInput, protocol } = await import(pathToFileURL(protocolFile));

async function onnx({ threads, folder, files }) {
  const ort = load("onnxruntime-node");
  const options = { intraOpNumThreads: threads, interOpNumThreads: 1 };
  const session = await ort.InferenceSession.create(path.join(folder, files[0].name), options);
  const run = async (values, shape) => {
    const answers = await session.run(onnxInput(ort, session, values, shape));
    return answers[session.outputNames[0]].data;
  };
  return { run, facts: { threads, node: process.version } };
}

// Without its native binding TensorFlow.js reads no files: the model is handed over from memory.
async function artefacts(file) {
  const model = JSON.parse(await readFile(file, "utf8"));
  const parts = model.weightsManifest.flatMap((group) => group.paths);
  const buffers = await Promise.all(parts.map((name) => readFile(path.join(path.dirname(file), name))));
  const whole = Buffer.concat(buffers);
  return {
    modelTopology: model.modelTopology,
    format: model.format,
    signature: model.signature,
    weightSpecs: model.weightsManifest.flatMap((group) => group.weights),
    weightData: whole.buffer.slice(whole.byteOffset, whole.byteOffset + whole.byteLength),
  };
}

async function tfjs({ threads, folder, files }) {
  const tf = load("@tensorflow/tfjs");
  const backend = runtime.replace("tfjs-", "");
  if (backend === "wasm") {
    const wasm = load("@tensorflow/tfjs-backend-wasm");
    wasm.setWasmPaths(path.join(packages, "node_modules/@tensorflow/tfjs-backend-wasm/dist/"));
    wasm.setThreadsCount(threads);
  }
  if (!(await tf.setBackend(backend))) throw new Error(`TensorFlow.js has no backend ${backend} here`);
  const model = await tf.loadGraphModel(tf.io.fromMemory(await artefacts(path.join(folder, files[0].name))));
  const run = async (values, shape) => {
    const input = tf.tensor(values, shape, values instanceof Float32Array ? "float32" : "int32");
    const answer = model.predict(input);
    const logits = await answer.data();
    tf.dispose([input, answer]);
    return logits;
  };
  return { run, facts: { threads, node: process.version, backend: tf.getBackend() } };
}

const operations = protocol(runtime === "onnxruntime-node" ? onnx : tfjs);

for await (const line of createInterface({ input: process.stdin })) {
  const { operation, ...request } = JSON.parse(line);
  try {
    const answer = await operations[operation](request);
    process.stdout.write(`${JSON.stringify({ ok: true, ...answer })}\n`);
  } catch (error) {
    console.error(error);
    const message = String(error).split("\n")[0].slice(0, 300);
    process.stdout.write(`${JSON.stringify({ ok: false, status: "failed", message })}\n`);
    process.exitCode = 1;
    break;
  }
}
