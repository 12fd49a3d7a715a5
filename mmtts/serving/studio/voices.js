// The list of ready and saved voices.

import { deleteVoice, exportVoice, importVoice, listVoices, saveVoice } from "./server.js";

export class VoiceList {
  constructor(list, { attempt, use, listed }) {
    Object.assign(this, { list, attempt, use, listed });
  }

  async refresh() {
    const voices = await listVoices();
    this.list.replaceChildren(...voices.map((voice) => this.row(voice)));
    this.listed(voices);
  }

  row(voice) {
    const row = document.createElement("li");
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = voice.name;
    row.append(name, this.button("Use", voice, () => this.use(voice.id, voice.name)));
    if (voice.kind === "saved") {
      row.append(
        this.button("Export", voice, () => this.attempt("Exporting …", () => this.export(voice))),
        this.button("Delete", voice, () => this.attempt("Deleting …", async () => {
          if (!confirm(`Delete the voice ${voice.name}?`)) return;
          await deleteVoice(voice.id);
          await this.refresh();
        })),
      );
    } else {
      const kind = document.createElement("span");
      kind.className = "quiet";
      kind.textContent = "comes with the model";
      row.append(kind);
    }
    return row;
  }

  button(text, voice, action) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.ariaLabel = `${text} ${voice.name}`;
    button.addEventListener("click", action);
    return button;
  }

  async save(voice, name, consent) {
    const saved = await saveVoice(voice, name, consent);
    await this.refresh();
    return saved;
  }

  async export(voice) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await exportVoice(voice.id));
    link.download = `${voice.name}.safetensors`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  async import(file) {
    const name = file.name.replace(/\.safetensors$/, "").replace(/[+()/]/g, " ").slice(0, 64);
    if (!confirm(`If ${name} is the voice of a real person: have they agreed to this use?`)) return;
    await importVoice(file, name);
    await this.refresh();
  }
}
