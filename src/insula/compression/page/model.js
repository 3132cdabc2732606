// An insula model in the browser: preparation, tokenizer, ONNX Runtime Web, decision rule. Nothing is sent anywhere.

import * as ort from "./lib/ort.wasm.min.mjs";
import { Tokenizer } from "./lib/tokenizers.min.mjs";
import { decide } from "./decide.js";
import { Preparation } from "./prepare.js";

ort.env.wasm.numThreads = 1; // more would need headers that a plain file host does not send
ort.env.wasm.wasmPaths = new URL("./lib/", import.meta.url).href;

export class Model {
  // Loads the model next to this file. progress: called with the share of model.onnx that has arrived.
  static async load(progress = () => {}) {
    const names = ["scheme", "decision", "preparation", "steps", "tokens", "tokenizer"];
    const [scheme, decision, preparation, steps, tokens, tokenizer] = await Promise.all(
      names.map(async (name) => (await fetched(`${name}.json`)).json()),
    );
    const session = await ort.InferenceSession.create(await bytes("model.onnx", progress));
    return new Model(session, scheme, decision, new Preparation(preparation, steps), tokens, tokenizer);
  }

  constructor(session, scheme, decision, preparation, tokens, tokenizer) {
    Object.assign(this, { session, scheme, decision, preparation });
    this.most = tokens.max_tokens;
    this.pooling = tokens.windows ?? "none";
    const { unk_token } = tokenizer.model;
    this.tokenizer = new Tokenizer({ ...tokenizer, truncation: null, padding: null }, { unk_token });
    // The special tokens around a text, which stay when it is cut.
    const [mark] = [this.tokenizer.encode("a", { add_special_tokens: false }).ids];
    const whole = this.tokenizer.encode("a").ids;
    const first = Math.max(0, whole.findIndex((_, place) => mark.every((id, at) => whole[place + at] === id)));
    this.before = whole.slice(0, first);
    this.after = whole.slice(first + mark.length);
  }

  // Returns the token numbers of a prepared text, at least one, in one window or in several, and whether it was cut.
  tokens(text) {
    const room = this.most - this.before.length - this.after.length;
    const own = this.tokenizer.encode(text, { add_special_tokens: false }).ids;
    const starts = windowStarts(own.length, room).slice(0, this.pooling === "none" ? 1 : undefined);
    const windows = starts.map((start) => [...this.before, ...own.slice(start, start + room), ...this.after]);
    return { windows: windows.map((all) => (all.length ? all : [0])), truncated: own.length > room && starts.length < 2 };
  }

  // Returns scores by label, chosen labels, confidence, whether the model is not sure, and whether it read the whole text.
  async predict(text) {
    const prepared = this.preparation.apply(text.toWellFormed());
    const { windows, truncated } = this.tokens(prepared);
    const found = [];
    for (const ids of windows) {
      const tensor = (values) => new ort.Tensor("int64", BigInt64Array.from(values, BigInt), [1, ids.length]);
      const { logits } = await this.session.run({ input_ids: tensor(ids), attention_mask: tensor(ids.map(() => 1)) });
      found.push(logits.data);
    }
    const longer = [...text].length > (this.preparation.maxLength ?? Infinity);
    return { ...decide(this.scheme, this.decision, pooled(found, this.pooling)), truncated: truncated || longer };
  }

  // Returns the name of a label in a language.
  display(name, language) {
    return this.scheme.display?.[language]?.[name] ?? name;
  }
}

// The starts of evenly spaced windows of `width` tokens; neighbours share at least a quarter, as in Python.
function windowStarts(tokens, width) {
  if (tokens <= width) return [0];
  const last = Math.ceil((tokens - width) / Math.max(1, Math.floor((width * 3) / 4)));
  return Array.from({ length: last + 1 }, (_, number) => Math.floor((number * (tokens - width)) / last));
}

function pooled(logits, pooling) {
  if (logits.length === 1) return logits[0];
  const sum = (column) => column.reduce((total, one) => total + one, 0) / column.length;
  const pool = pooling === "max" ? (column) => Math.max(...column) : sum;
  return Float32Array.from(logits[0], (_, place) => pool(logits.map((one) => one[place])));
}

async function fetched(name) {
  const answer = await fetch(new URL(name, import.meta.url));
  if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
  return answer;
}

async function bytes(name, progress) {
  const answer = await fetched(name);
  const total = Number(answer.headers.get("content-length")) || 0;
  const parts = [];
  let count = 0;
  for (const reader = answer.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    count += value.length;
    progress(total ? Math.min(1, count / total) : 0);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
