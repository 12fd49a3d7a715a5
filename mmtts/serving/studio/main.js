// The page: what its controls do.

import { Design, KINDS, CALLED } from "./design.js";
import { StyleMap } from "./map.js";
import { Player } from "./player.js";
import { about, speak } from "./server.js";
import { Triangle } from "./triangle.js";
import { VoiceList } from "./voices.js";

const $ = (id) => document.getElementById(id);
const design = new Design();
const player = new Player($("spectrogram"), $("words"));
const map = new StyleMap($("map-figure"), $("map"), $("map-legend"));
const triangle = new Triangle($("triangle"), (shares) => change(() => design.share(shares)));
const kept = {}; // "a" and "b": {voice, pace, text}
let model = null, variations = [], speaking = null;

/** Do something that may fail; say what is being done, or what went wrong. */
async function attempt(doing, action) {
  $("trouble").hidden = true;
  $("status").textContent = doing;
  try {
    await action();
    if ($("status").textContent === doing) $("status").textContent = "";
  } catch (error) {
    $("status").textContent = "";
    if (error.name === "AbortError") return;
    $("trouble").textContent = error.message;
    $("trouble").hidden = false;
    $("trouble").scrollIntoView({ block: "nearest" });
  }
}

const change = (action) => attempt("Working …", async () => {
  await action();
  await refresh();
});

const voices = new VoiceList($("voices"), {
  attempt,
  use: (id, name) => change(async () => {
    await design.set("named", { named: id }, true);
    $("named").value = id;
    $("status").textContent = `${name} is among the sources.`;
  }),
  listed: (all) => {
    const chosen = $("named").value;
    $("named").replaceChildren(new Option("none", ""), ...all.map((v) => new Option(v.name, v.id)));
    $("named").value = all.some((v) => v.id === chosen) ? chosen : "";
  },
});

/** Show the design as it is now. */
async function refresh() {
  const kinds = design.kinds;
  for (const kind of KINDS) $(`source-${kind}`).classList.toggle("used", kinds.includes(kind));
  $("mixing").hidden = kinds.length < 2;
  const shares = kinds.map((kind) => design.weights[kind]);
  triangle.show(kinds.map((kind) => CALLED[kind]), shares);
  showShares(kinds, shares);
  $("note").hidden = !design.notes.length;
  $("note").textContent = design.notes.map((note) => `${note}.`).join(" ");
  for (const id of ["mean", "another", "eight"]) $(id).disabled = !design.hasVariations;
  const blended = await design.voice();
  map.draw(variations.map((v, k) => ({ label: String(k + 1), place: v.place })).filter((v) => v.place),
    blended?.place);
}

function showShares(kinds, shares) {
  const shown = [...$("shares").querySelectorAll("input")];
  if (shown.map((input) => input.dataset.kind).join() === kinds.join()) {
    shown.forEach((input, k) => {
      input.value = shares[k];
      input.nextElementSibling.value = `${Math.round(100 * shares[k])} %`;
    });
    return;
  }
  $("shares").replaceChildren(...kinds.map((kind, k) => {
    const row = slider(`share-${kind}`, CALLED[kind], 0, 1, 0.01, shares[k],
      (value) => `${Math.round(100 * value)} %`,
      (value) => {
        const others = kinds.filter((other) => other !== kind);
        const rest = others.reduce((sum, other) => sum + design.weights[other], 0);
        change(() => design.share(kinds.map((other) => other === kind ? value
          : (1 - value) * (rest > 0 ? design.weights[other] / rest : 1 / others.length))));
      });
    row.querySelector("input").dataset.kind = kind;
    return row;
  }));
}

function slider(id, name, low, high, step, value, format, onChange) {
  const row = document.createElement("div");
  row.className = "slider";
  row.innerHTML = `<label for="${id}"></label><input type="range" id="${id}"><output for="${id}"></output>`;
  const [label, input, output] = row.children;
  label.textContent = name;
  Object.assign(input, { min: low, max: high, step, value });
  output.value = format(value);
  input.addEventListener("input", () => (output.value = format(Number(input.value))));
  input.addEventListener("change", () => onChange(Number(input.value)));
  return row;
}

function makeSliders() {
  const signed = (value) => (value > 0 ? "+" : "") + value.toFixed(1);
  const rows = model.directions.map((name) => slider(`move-${name}`, name, -1, 1, 0.1, 0, signed,
    (value) => change(() => {
      design.moves = { ...design.moves, [name]: value };
      design.blended = null;
    })));
  rows.push(
    slider("loudness", "loudness, dB", -12, 12, 1, 0, signed, (value) => change(() => {
      design.loudness = value;
      design.blended = null;
    })),
    slider("rate", "speed", 0.5, 2, 0.05, 1, (value) => `${value.toFixed(2)} ×`, () => {}),
  );
  $("sliders").replaceChildren(...rows);
}

$("reset").addEventListener("click", () => change(() => {
  Object.assign(design, { moves: {}, loudness: 0, blended: null });
  makeSliders();
}));

/** The sources ask for consent where somebody is seen or heard. */
function take(kind, source) {
  return change(async () => {
    const person = kind === "face" || kind === "clip";
    if (source && person && !$("consent").checked) {
      $("consent").focus();
      throw new Error("Tick that whoever is seen or heard agrees; then give the file again.");
    }
    variations = [];
    $("variations").replaceChildren();
    await design.set(kind, source, $("consent").checked);
  });
}

$("use-prompt").addEventListener("click", () => {
  const prompt = $("prompt").value.trim();
  take("prompt", prompt ? { prompt } : null);
});
$("prompt").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) $("use-prompt").click();
});
$("named").addEventListener("change", () =>
  take("named", $("named").value ? { named: $("named").value } : null));

/** A field that takes a dropped or chosen file, shows it, and gives it away again. */
function acceptFile(kind, show) {
  const input = $(kind), zone = $(`drop-${kind}`), away = $(`away-${kind}`);
  const invitation = $(`${kind}-name`).textContent;
  const showFile = (file) => {
    away.hidden = !file;
    $(`${kind}-name`).textContent = file ? file.name : invitation;
    show(file);
  };
  const given = async (file) => {
    if (!file) return;
    await take(kind, { [kind]: file });
    input.value = "";
    if (design.sources[kind]?.source[kind] === file) showFile(file);
  };
  input.addEventListener("change", () => given(input.files[0]));
  away.addEventListener("click", async () => {
    await take(kind, null);
    showFile(null);
    input.focus();
  });
  for (const [name, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.toggle("over", over);
      if (name === "drop") given(event.dataTransfer.files[0]);
    });
  }
}

acceptFile("face", (file) => {
  const picture = $("face-picture");
  URL.revokeObjectURL(picture.src);
  picture.hidden = !file;
  if (file) Object.assign(picture, { src: URL.createObjectURL(file), alt: "The face" });
});
acceptFile("clip", () => {});

async function vary(seeds) {
  for (const seed of seeds) {
    $("status").textContent = `Making variation ${variations.length + 1} …`;
    variations.push(await design.variation(seed, $("consent").checked));
    showVariations();
  }
}

function showVariations() {
  $("variations").replaceChildren(...variations.map((variation, k) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = String(k + 1);
    button.ariaPressed = String(variation.seed === design.seed);
    button.addEventListener("click", async () => {
      await change(() => design.take(variation));
      showVariations();
      say();
    });
    return button;
  }));
}

const nextSeed = () => Math.max(-1, design.seed ?? -1, ...variations.map((v) => v.seed)) + 1;
$("another").addEventListener("click", async () => {
  await change(async () => {
    if (variations.length >= 8) variations = [];
    await vary([nextSeed()]);
    design.take(variations.at(-1));
  });
  showVariations();
  say();
});
$("eight").addEventListener("click", () => change(async () => {
  const first = nextSeed();
  variations = [];
  await vary(Array.from({ length: 8 }, (_, k) => first + k));
}));
$("mean").addEventListener("click", () => change(async () => {
  design.take(await design.variation(null, $("consent").checked));
  showVariations();
}));

/** Speak the text in the present voice, or in one that was kept. */
function say(remembered) {
  return attempt("Speaking …", async () => {
    stop();
    const text = remembered?.text ?? $("text").value;
    const pace = remembered?.pace ?? Number($("rate").value);
    const voice = remembered?.voice ?? (await design.voice())?.voice;
    if (!voice) throw new Error("There is no voice yet: describe one, or take a kept one.");
    player.clear(model.sample_rate);
    const mine = (speaking = new AbortController());
    $("stop").disabled = false;
    $("download").disabled = true;
    try {
      for await (const part of speak({ text, voice, pace }, mine.signal)) player.add(part);
      document.body.dataset.spoken = player.seconds.toFixed(2);
    } finally {
      $("download").disabled = !player.pieces.length;
    }
  });
}

function stop() {
  speaking?.abort();
  speaking = null;
  player.halt();
  $("stop").disabled = true;
}

$("speak").addEventListener("click", () => say());
$("stop").addEventListener("click", stop);
$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) say();
});
$("download").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(player.wav());
  link.download = "speech.wav";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
});

for (const side of ["a", "b"]) {
  $(`keep-${side}`).addEventListener("click", () => attempt("", async () => {
    const blended = await design.voice();
    if (!blended) throw new Error("There is no voice to keep yet.");
    kept[side] = { voice: blended.voice, pace: Number($("rate").value) };
    $(`play-${side}`).disabled = false;
    $("status").textContent = `Kept as ${side.toUpperCase()}.`;
  }));
  $(`play-${side}`).addEventListener("click", () => say(kept[side]));
}

$("save").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt("Saving …", async () => {
    const blended = await design.voice();
    if (!blended) throw new Error("There is no voice to save yet.");
    const person = "face" in design.sources || "clip" in design.sources;
    const saved = await voices.save(blended.voice, $("name").value, !person || $("consent").checked);
    $("name").value = "";
    $("status").textContent = `${saved.name} is saved; what is heard of it is ` +
      `${Math.round(100 * saved.similarity)} % like what was asked.`;
  });
});
$("import").addEventListener("change", () => attempt("Importing …", async () => {
  const file = $("import").files[0];
  if (file) await voices.import(file);
  $("import").value = "";
}));

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => refresh());

await attempt("Loading …", async () => {
  model = await about();
  document.title = `${model.model} · mmtts studio`;
  const learned = Object.values(model.learned).flat();
  $("model").textContent = model.model + (learned.length ? ` has heard: ${learned.join(", ")}` : "");
  $("source-face").disabled = !model.sources.includes("face");
  $("source-prompt").disabled = !model.sources.includes("prompt");
  $("text").maxLength = model.characters;
  map.load(model.people);
  makeSliders();
  await voices.refresh();
  await refresh();
});
document.body.dataset.ready = "true";
