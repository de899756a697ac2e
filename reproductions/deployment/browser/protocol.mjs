// What the survey asks of a model that runs in JavaScript, the same in a page and in Node: load, answer, time.
// Arrays travel as base64; every time is taken here, so that travelling is not in it.

const KINDS = { float32: Float32Array, int32: Int32Array };
const PIECE = 0x8000; // arguments of one call of fromCharCode

function decode(text, kind) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new KINDS[kind](bytes.buffer);
}

function encode(values) {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  let text = "";
  for (let start = 0; start < bytes.length; start += PIECE) {
    text += String.fromCharCode(...bytes.subarray(start, start + PIECE));
  }
  return btoa(text);
}

function largest(values) {
  return values.reduce((best, value, index) => (value > values[best] ? index : best), 0);
}

// start(options) loads the runtime and the model; it resolves to { run(values, shape) -> Float32Array, facts }.
// show(number) is told the class of the first row of every answer.
export function protocol(start, show = () => {}) {
  let model;
  return {
    async load(options) {
      const begin = performance.now();
      model = await start(options);
      return { load_ms: performance.now() - begin, facts: model.facts };
    },

    async answer({ data, kind, shape }) {
      const values = decode(data, kind);
      const begin = performance.now();
      const logits = Float32Array.from(await model.run(values, shape));
      const ms = performance.now() - begin;
      show(largest(logits.subarray(0, logits.length / shape[0])));
      return { ms, logits: encode(logits) };
    },

    async time({ data, kind, shape, count }) {
      const values = decode(data, kind);
      const ms = [];
      for (let number = 0; number < count; number += 1) {
        const begin = performance.now();
        await model.run(values, shape);
        ms.push(performance.now() - begin);
      }
      return { ms };
    },
  };
}

// The type that an ONNX model wants, whatever the caller's array holds.
export function onnxInput(ort, session, values, shape) {
  const wanted = session.inputMetadata?.[0]?.type ?? (values instanceof Float32Array ? "float32" : "int64");
  const data = wanted === "int64" ? BigInt64Array.from(values, BigInt) : values;
  return { [session.inputNames[0]]: new ort.Tensor(wanted, data, shape) };
}
