// What the page asks of the server, and how it says what went wrong.

let key = sessionStorage.getItem("mmtts-key") ?? "";

function askForKey() {
  const dialog = document.getElementById("key-dialog");
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      key = document.getElementById("key").value.trim();
      sessionStorage.setItem("mmtts-key", key);
      resolve();
    }, { once: true });
    dialog.showModal();
  });
}

async function ask(path, options = {}) {
  const headers = { ...options.headers };
  if (key) headers.Authorization = `Bearer ${key}`;
  let answer;
  try {
    answer = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer; is it still running?");
  }
  if (answer.status === 401) {
    await askForKey();
    return ask(path, options);
  }
  if (answer.ok) return answer;
  const body = await answer.json().catch(() => null);
  throw new Error(body?.error?.message ?? `The server answered ${answer.status}.`);
}

function json(body, signal) {
  return {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal,
  };
}

export async function about() {
  return (await ask("studio/api/about")).json();
}

/** Make the voice of one source: {prompt} or {face: File} or {clip: File} or {named}. */
export async function makeVoice(source, seed, consent) {
  const form = new FormData();
  for (const [name, value] of Object.entries(source)) form.append(name, value);
  if (seed !== null) form.append("seed", String(seed));
  form.append("consent", String(consent));
  return (await ask("studio/api/voices", { method: "POST", body: form })).json();
}

/** Mix and move: {parts: [{voice, weight}], moves: {pitch: 0.5}, loudness}. */
export async function blend(design) {
  return (await ask("studio/api/blend", json(design))).json();
}

export async function listVoices() {
  return (await (await ask("v1/audio/voices")).json()).voices;
}

export async function saveVoice(voice, name, consent) {
  return (await ask("studio/api/keep", json({ voice, name, consent }))).json();
}

export async function importVoice(file, name) {
  const form = new FormData();
  form.append("voice", file, "voice.safetensors");
  form.append("name", name);
  form.append("consent", "true");
  return (await ask("v1/voices", { method: "POST", body: form })).json();
}

export async function deleteVoice(id) {
  await ask(`v1/voices/${encodeURIComponent(id)}`, { method: "DELETE" });
}

export async function exportVoice(id) {
  return (await ask(`v1/voices/${encodeURIComponent(id)}.safetensors`)).blob();
}

/** Speak, and yield {samples: Float32Array, words: [{word, start, end}]} as they are made. */
export async function* speak(wanted, signal) {
  const answer = await ask("studio/api/speech", json(wanted, signal));
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    waiting += value;
    const lines = waiting.split("\n");
    waiting = lines.pop();
    for (const line of lines.filter(Boolean)) {
      const part = JSON.parse(line);
      yield { samples: decodePcm(part.audio), words: part.words };
    }
  }
}

function decodePcm(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 2 }, (_, k) => view.getInt16(2 * k, true) / 32768);
}
