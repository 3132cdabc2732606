// From logits to scores, labels and "not sure": the decision rule that the model folder states.

const LARGEST = 1e30;

// scheme, rule: scheme.json and decision.json. Returns scores, chosen (label names), confidence, abstained.
export function decide(scheme, rule, logits) {
  const scores = scored(scheme, rule, logits);
  if (scheme.kind === "dimensional") return { scores, chosen: [], confidence: null, abstained: false };
  const values = scheme.names.map((name) => scores[name]);
  let chosen;
  if (scheme.kind === "multi") {
    chosen = values.map((value, label) => value >= (rule.thresholds.length ? rule.thresholds[label] : 0.5));
  } else {
    const best =
      scheme.kind === "binary"
        ? Number(values[1] >= (rule.thresholds[0] ?? 0.5))
        : highest(values.map((value, label) => value * Math.exp(rule.offsets[label] ?? 0)));
    chosen = values.map((_, label) => label === best);
  }
  const confidence =
    scheme.kind === "multi"
      ? values.reduce((product, value, label) => product * (chosen[label] ? value : 1 - value), 1)
      : values[chosen.indexOf(true)];
  return {
    scores,
    chosen: scheme.names.filter((_, label) => chosen[label]).sort((a, b) => scores[b] - scores[a]),
    confidence,
    abstained: confidence < rule.abstention || (rule.energy !== undefined && -logSumExp(rescaled(rule.calibration, clipped(logits))) > rule.energy),
  };
}

function scored(scheme, rule, logits) {
  const z = calibrated(rule.calibration, clipped(logits), scheme.kind);
  let values;
  if (scheme.kind === "dimensional") {
    values = scheme.names.map((name, one) => Math.min(scheme.ranges[name][1], Math.max(scheme.ranges[name][0], z[one])));
  } else if (scheme.kind === "binary") {
    values = [1 - sigmoid(z[0]), sigmoid(z[0])];
  } else {
    values = scheme.kind === "multi" ? z.map(sigmoid) : softmax(z);
  }
  return Object.fromEntries(scheme.names.map((name, one) => [name, values[one]]));
}

function calibrated(calibration, z, kind) {
  z = rescaled(calibration, z);
  if (!calibration.knots?.length) return z;
  const exclusive = kind === "single" || kind === "ordinal";
  const odds = exclusive ? z.map((value, one) => value - logSumExp(z.filter((_, other) => other !== one))) : z;
  const curved = odds.map((value, one) => interpolated(value, ...calibration.knots[one]));
  return exclusive ? curved.map((value) => -logSumExp([0, -value])) : curved;
}

function clipped(logits) {
  return Array.from(logits, (one) => Math.min(LARGEST, Math.max(-LARGEST, one)));
}

function rescaled(calibration, z) {
  if (calibration.method === "identity") return z;
  const of = (numbers, one) => (numbers.length > 1 ? numbers[one] : numbers[0]);
  return z.map((value, one) => value * of(calibration.scale, one) + of(calibration.bias, one));
}

function interpolated(x, xs, ys) {
  if (x <= xs[0]) return ys[0];
  if (x >= xs.at(-1)) return ys.at(-1);
  const last = xs.findIndex((one) => one > x);
  return ys[last - 1] + ((ys[last] - ys[last - 1]) * (x - xs[last - 1])) / (xs[last] - xs[last - 1]);
}

function highest(values) {
  return values.indexOf(Math.max(...values));
}

function logSumExp(values) {
  const most = Math.max(...values);
  return most + Math.log(values.reduce((sum, value) => sum + Math.exp(value - most), 0));
}

function sigmoid(z) {
  const small = Math.exp(-Math.abs(z));
  return z >= 0 ? 1 / (1 + small) : small / (1 + small);
}

function softmax(z) {
  const most = Math.max(...z);
  const shifted = z.map((one) => Math.exp(one - most));
  const sum = shifted.reduce((a, b) => a + b, 0);
  return shifted.map((one) => one / sum);
}
