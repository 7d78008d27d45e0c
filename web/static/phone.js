"use strict";
/* The local phone: several people, each with a chat list and one open chat.
   World holds what the server told us; Phone shows it to one person. */

// ---------------------------------------------------------------- small parts

const el = (tag, props = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(node.dataset, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
};

const icon = (name) => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
};

const hush = (words) => el("span", { class: "hush" }, words);
const initials = (name) => name.split(/\s+/).slice(0, 2).map((word) => word[0]).join("").toUpperCase();
const tint = (id) => Math.abs(id) % 6;
const moment = (seconds) => new Date(seconds * 1000);
const clockTime = (seconds) => moment(seconds).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
const dayOf = (seconds) => moment(seconds).toLocaleDateString([], { weekday: "short", day: "numeric", month: "long", year: "numeric" });
const dayShort = (seconds) => moment(seconds).toLocaleDateString([], { day: "numeric", month: "short", year: "numeric" });
const size = (bytes) => (bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1048576).toFixed(1)} MB`);
const remembered = (key, fallback) => {
  try { return JSON.parse(localStorage.getItem(`phone:${key}`)) ?? fallback; } catch { return fallback; }
};
const remember = (key, value) => {
  try { localStorage.setItem(`phone:${key}`, JSON.stringify(value)); } catch { /* private windows have no store */ }
};

const face = (name, id, group, extra = "") =>
  el("span", { class: `face tint-${tint(id)} ${extra}`, "aria-hidden": "true" }, group ? icon("group") : initials(name));

async function ask(wish) {
  const answer = await fetch("/phone/do", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(wish),
  });
  const body = await answer.json();
  if (!body.ok) throw new Error(body.error);
  return body.result;
}

async function copy(text) {
  try { await navigator.clipboard.writeText(text); } catch {
    const area = el("textarea", { class: "hush" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

// ---------------------------------------------------------------- what the server told us

const world = { bot: {}, people: [], chats: new Map(), messages: new Map(), commands: {}, clock: false, now: 0, heardAt: 0 };
const phones = new Map();

const history = (chat) => world.messages.get(chat) ?? new Map();
const personName = (id) => world.people.find((person) => person.id === id)?.name ?? world.bot.first_name;

const tell = {
  state(event) {
    Object.assign(world, { bot: event.bot, people: event.people, commands: event.commands, clock: event.clock, now: event.now, heardAt: Date.now() });
    world.chats = new Map(event.chats.map((chat) => [chat.id, chat]));
    world.messages = new Map(event.chats.map((chat) => [chat.id, new Map()]));
    for (const message of event.messages) history(message.chat).set(message.id, message);
    paintPage();
  },
  message(event) {
    if (!world.messages.has(event.chat)) world.messages.set(event.chat, new Map());
    history(event.chat).set(event.message.id, event.message);
    for (const phone of phones.values()) phone.changed(event.chat, event.message);
  },
  edit(event) { tell.message(event); },
  delete(event) {
    history(event.chat).delete(event.message);
    for (const phone of phones.values()) phone.changed(event.chat, null);
  },
  answer(event) { phones.get(event.person)?.answered(event); },
  typing(event) { for (const phone of phones.values()) phone.typing(event.chat); },
  inline(event) { for (const phone of phones.values()) phone.offered(event.query); },
  clock(event) {
    Object.assign(world, { now: event.now, heardAt: Date.now() });
    paintClock();
  },
};

function listen() {
  const source = new EventSource("/phone/events");
  source.onmessage = (event) => {
    const told = JSON.parse(event.data);
    tell[told.type]?.(told);
  };
  source.onopen = () => online(true);
  source.onerror = () => online(false);
}

function online(here) {
  for (const phone of phones.values()) phone.online(here);
}

// ---------------------------------------------------------------- rich text

/* Entities count UTF-16 units, as JavaScript's strings do. */
function rich(text, entities, phone, key) {
  const sorted = [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
  let folds = 0;
  const inside = (from, to, list) => {
    const nodes = [];
    let place = from;
    for (let index = 0; index < list.length; ) {
      const entity = list[index];
      const end = Math.min(entity.offset + entity.length, to);
      const nested = [];
      let next = index + 1;
      while (next < list.length && list[next].offset < end) nested.push(list[next++]);
      if (entity.offset > place) nodes.push(text.slice(place, entity.offset));
      const raw = text.slice(entity.offset, end);
      const children = inside(entity.offset, end, nested);
      nodes.push(dress(entity, raw, children, phone, `${key}:${entity.type.includes("quote") ? folds++ : 0}`));
      place = end;
      if (/quote|pre/.test(entity.type) && text[place] === "\n") place += 1;
      index = next;
    }
    if (place < to) nodes.push(text.slice(place, to));
    return nodes;
  };
  return inside(0, text.length, sorted);
}

const TAGS = { bold: "b", italic: "i", underline: "u", strikethrough: "s" };

function dress(entity, raw, children, phone, key) {
  switch (entity.type) {
    case "bold": case "italic": case "underline": case "strikethrough":
      return el(TAGS[entity.type], {}, children);
    case "code":
      return el("code", { title: "Copy", onclick: () => phone.copied(raw) }, raw);
    case "pre":
      return el("pre", {}, el("code", {}, raw),
        el("button", { class: "copy", type: "button", "aria-label": "Copy this block", onclick: () => phone.copied(raw) }, icon("copy")));
    case "spoiler": {
      const open = (event) => event.currentTarget.classList.add("open");
      return el("span", { class: "spoiler", role: "button", tabindex: "0", "aria-label": "Hidden text, open", onclick: open, onkeydown: (event) => event.key === "Enter" && open(event) }, children);
    }
    case "text_link": return anchor(entity.url, children, phone);
    case "url": return anchor(/^\w+:/.test(raw) ? raw : `http://${raw}`, children, phone);
    case "email": return el("a", { href: `mailto:${raw}` }, children);
    case "bot_command":
      return el("button", { class: "command", type: "button", onclick: () => phone.say(raw) }, raw);
    case "blockquote": return el("blockquote", {}, children);
    case "expandable_blockquote": return fold(children, phone, key);
    case "mention": case "hashtag": case "text_mention": return el("span", { class: "command" }, children);
    default: return el("span", {}, children);
  }
}

function anchor(url, children, phone) {
  return el("a", { href: url, target: "_blank", rel: "noopener noreferrer", onclick: (event) => { if (phone.deepLink(url)) event.preventDefault(); } }, children);
}

/* A quote of more than three lines is folded; a tap anywhere on it opens it. */
function fold(children, phone, key) {
  const turn = el("button", { class: "turn", type: "button", "aria-expanded": "false", "aria-label": "Show the whole quote" }, icon("down"));
  const quote = el("blockquote", { class: "fold" }, el("span", { class: "inside" }, children), turn);
  const set = (open) => {
    quote.classList.toggle("open", open);
    turn.setAttribute("aria-expanded", String(open));
    turn.setAttribute("aria-label", open ? "Fold the quote" : "Show the whole quote");
  };
  set(phone.unfolded.has(key));
  quote.addEventListener("click", (event) => {
    if (event.target.closest("a, code, .command, .spoiler") || !quote.classList.contains("long") || String(getSelection())) return;
    const open = !phone.unfolded.has(key);
    phone.unfolded[open ? "add" : "delete"](key);
    set(open);
  });
  return quote;
}

function measureFolds(root) {
  for (const quote of root.querySelectorAll("blockquote.fold:not(.measured)")) {
    const inner = quote.firstChild;
    const line = parseFloat(getComputedStyle(inner).lineHeight) || 22;
    if (!inner.offsetHeight) continue;
    quote.classList.add("measured");
    quote.classList.toggle("long", inner.scrollHeight > line * 3 + 4);
  }
}

// ---------------------------------------------------------------- one person's phone

class Phone {
  constructor(person) {
    this.id = person.id;
    this.name = person.name;
    this.chatId = remembered(`open:${this.id}`, this.id);
    this.read = new Map(remembered(`read:${this.id}`, []));
    this.drafts = new Map();
    this.nodes = new Map();
    this.unfolded = new Set();
    this.waiting = new Map();
    this.topic = 0;
    this.answering = null;
    this.editing = null;
    this.forced = 0;
    this.query = null;
    this.build();
  }

  get chat() { return world.chats.get(this.chatId); }
  get chats() { return [...world.chats.values()].filter((chat) => chat.members.includes(this.id)); }
  get person() { return world.people.find((person) => person.id === this.id); }

  // ------------------------------------------------ frame

  build() {
    this.offline = el("span", { class: "offline", hidden: true }, "Connecting …");
    this.body = el("div", { class: "chat" });
    this.root = el("section", { class: "phone", "aria-label": `Phone of ${this.name}`, data: { person: this.id }, onkeydown: (event) => this.pressed(event) },
      el("div", { class: "owner" }, this.name, this.offline), this.body);
    this.open(this.chatId);
  }

  online(here) { this.offline.hidden = here; }

  pressed(event) {
    if (event.key !== "Escape") return;
    if (this.shade) this.unshade();
    else if (this.panel && !this.panel.hidden) this.hidePanel();
    else if (this.editing || this.answering) this.cancelAbove();
  }

  open(chatId) {
    this.keepDraft();
    this.unshade();
    this.chatId = chatId;
    remember(`open:${this.id}`, chatId);
    this.nodes.clear();
    this.topic = 0;
    this.answering = this.editing = null;
    if (this.chat && this.chat.members.includes(this.id)) { this.buildChat(); this.bring(); }
    else this.buildList();
  }

  /* What the next chat that is opened gets: words after the bot's name, or the bot itself. */
  carry(what) {
    this.open(null);
    this.carrying = what;
    this.buildList();
  }

  async bring() {
    const what = this.carrying;
    this.carrying = null;
    if (!what) return;
    if (what.inline !== undefined) {
      this.input.value = `@${world.bot.username} ${what.inline}`;
      this.input.focus();
      this.typedSomething();
    } else if (this.chat.private) this.toast("That is no group");
    else {
      if (!["member", "administrator"].includes(this.chat.bot)) await this.act({ do: "bot", what: "add" });
      await this.say(`/start@${world.bot.username} ${what.start}`);
    }
  }

  header(...parts) {
    return el("div", { class: "top" }, parts);
  }

  switcher() {
    return el("button", { class: "tool switch", type: "button", "aria-label": `You are ${this.name}. Change person`, onclick: () => this.chooseSelf() }, face(this.name, this.id, false, "small"));
  }

  chooseSelf() {
    const choices = world.people.map((person) =>
      el("button", { class: "choice", type: "button", onclick: () => { this.unshade(); show([person.id]); } },
        face(person.name, person.id, false, "small"), person.name, person.id === this.id ? el("span", { class: "tick" }, icon("check"), hush("this is you")) : null));
    const clock = world.clock ? [el("h3", {}, `Clock of the demo: ${dayOf(now())}`), el("div", { class: "clock-sheet" }, clockButtons(() => this.unshade()))] : [];
    this.sheet("Whose phone is this?", choices, clock);
  }

  // ------------------------------------------------ list of chats

  buildList() {
    this.chatId = null;
    this.list = el("ul", { class: "chats" });
    this.body.replaceChildren(this.header(el("div", { class: "who" }, el("div", { class: "lines" }, el("h2", { class: "title" }, this.carrying ? "Choose a chat" : "Chats"))), this.switcher()), this.list);
    this.paintList();
  }

  paintList() {
    this.list.replaceChildren(...this.chats.filter((chat) => !chat.moved).map((chat) => this.chatRow(chat)));
  }

  chatRow(chat) {
    const last = [...history(chat.id).values()].pop();
    const words = last ? last.service ?? preview(last) : "No messages yet";
    const author = last && !chat.private && !last.service ? `${last.from === this.id ? "You" : last.name}: ` : "";
    return el("li", {}, el("button", { type: "button", onclick: () => this.open(chat.id) },
      face(chat.title, chat.id, !chat.private),
      el("span", { class: "lines" },
        el("span", { class: "first" }, el("strong", {}, chat.title), last ? el("time", {}, clockTime(last.date)) : null),
        el("span", { class: "second" }, el("span", {}, author + words), badge(this.unread(chat.id))))));
  }

  unread(chatId) {
    const read = this.read.get(chatId) ?? 0;
    return [...history(chatId).values()].filter((message) => message.id > read && message.from !== this.id).length;
  }

  // ------------------------------------------------ one chat

  buildChat() {
    this.list = null;
    this.backBadge = el("span", { class: "slot" });
    this.title = el("h2");
    this.status = el("p");
    this.faceSlot = el("span");
    this.topicBar = el("div", { class: "topics", role: "group", "aria-label": "Topics", hidden: true });
    this.pinBar = el("button", { class: "pinned", type: "button", hidden: true });
    this.log = el("div", { class: "log", role: "log", "aria-live": "polite", "aria-relevant": "additions", "aria-label": "Messages" });
    this.wall = el("div", { class: "wall", tabindex: "-1", onscroll: () => this.scrolled() }, this.log);
    this.stuck = true;
    this.watch?.disconnect();
    this.watch = new ResizeObserver(() => { measureFolds(this.log); if (this.stuck) this.toBottom(false); });
    this.watch.observe(this.wall);
    this.down = el("button", { class: "down", type: "button", "aria-label": "Jump to the newest message", hidden: true, onclick: () => this.toBottom(true) }, icon("down"), el("span", { class: "slot" }));
    this.panel = el("div", { class: "panel", hidden: true });
    this.above = el("div", { class: "above", hidden: true });
    this.typed = el("div", { class: "typed", hidden: true });
    this.composer = el("div", { class: "composer" });
    this.body.replaceChildren(
      this.header(
        el("button", { class: "tool", type: "button", "aria-label": "All chats", onclick: () => this.open(null) }, icon("back"), this.backBadge),
        el("div", { class: "who" }, this.faceSlot, el("div", { class: "lines" }, this.title, this.status)),
        el("button", { class: "tool", type: "button", "aria-label": "More", onclick: () => this.more() }, icon("more")),
        this.switcher()),
      this.topicBar, this.pinBar,
      el("div", { class: "middle" }, this.wall, this.down, this.panel),
      this.composer);
    this.buildComposer();
    this.paintChat();
    this.toBottom(false);
  }

  paintChat() {
    const chat = this.chat;
    if (!chat || !chat.members.includes(this.id)) return this.open(null);
    this.faceSlot.replaceChildren(face(chat.title, chat.private ? world.bot.id : chat.id, !chat.private));
    this.title.textContent = chat.title;
    this.paintStatus();
    this.paintTopics();
    this.paintPin();
    this.paintMessages();
    this.paintComposer();
    this.paintBadges();
  }

  paintStatus(busy = "") {
    this.status.textContent = busy || (this.chat.private ? "bot" : `${this.chat.members.length + (this.chat.bot === "member" || this.chat.bot === "administrator" ? 1 : 0)} members`);
    this.status.classList.toggle("busy", Boolean(busy));
  }

  paintTopics() {
    const chat = this.chat;
    this.topicBar.hidden = !chat.forum;
    const tabs = [{ id: 0, name: "General" }, ...chat.topics];
    this.topicBar.replaceChildren(...tabs.map((topic) =>
      el("button", { type: "button", "aria-pressed": String(topic.id === this.topic), onclick: () => { this.topic = topic.id; this.nodes.clear(); this.log.replaceChildren(); this.paintChat(); this.toBottom(false); } },
        topic.closed ? `${topic.name} (closed)` : topic.name)));
  }

  paintPin() {
    const pinned = this.chat.pinned.map((id) => history(this.chatId).get(id)).filter(Boolean).pop();
    this.pinBar.hidden = !pinned;
    if (!pinned) return;
    this.pinBar.replaceChildren(icon("pin"), el("span", {}, preview(pinned)));
    this.pinBar.onclick = () => this.find(pinned.id);
  }

  get shown() {
    const every = [...history(this.chatId).values()].sort((a, b) => a.id - b.id);
    return this.chat.forum ? every.filter((message) => message.topic === this.topic) : every;
  }

  /* Replaces only what changed, so that focus, folds and scrolling stay. */
  paintMessages() {
    const messages = this.shown;
    const wanted = [];
    let day = "";
    messages.forEach((message, index) => {
      if (dayOf(message.date) !== day) {
        day = dayOf(message.date);
        wanted.push(this.kept(`day ${day}`, day, () => el("p", { class: "day" }, day)));
      }
      wanted.push(this.messageNode(message, messages[index - 1], messages[index + 1]));
    });
    if (!messages.length) wanted.push(this.kept("intro", world.bot.description, () => this.intro()));
    const keys = new Set(wanted);
    for (const [key, entry] of this.nodes) {
      if (!keys.has(entry.node)) { entry.node.remove(); this.nodes.delete(key); }
    }
    wanted.forEach((node, index) => {
      if (this.log.children[index] !== node) this.log.insertBefore(node, this.log.children[index] ?? null);
    });
    measureFolds(this.log);
  }

  kept(key, value, make) {
    const entry = this.nodes.get(key);
    if (entry && entry.value === value) return entry.node;
    const node = make();
    if (entry) {
      const place = entry.node.contains(document.activeElement) ? [...entry.node.querySelectorAll("button, a")].indexOf(document.activeElement) : -1;
      entry.node.replaceWith(node);
      if (place >= 0) focusNear(node, place, this.wall);
    }
    this.nodes.set(key, { node, value });
    return node;
  }

  intro() {
    const chat = this.chat;
    const words = chat.private ? world.bot.description || `This is ${world.bot.first_name}. Tap Start to begin.` : "Nobody has written here yet.";
    return el("div", { class: "intro" }, el("strong", {}, chat.private ? "What can this bot do?" : chat.title), words);
  }

  messageNode(message, before, after) {
    const start = !before || before.from !== message.from || Boolean(before.service) || before.via !== message.via;
    const last = !after || after.from !== message.from || Boolean(after.service);
    const busy = [...(this.waiting.get(message.id) ?? [])].join(" ");
    const value = JSON.stringify([message, start, last, busy]);
    return this.kept(message.id, value, () => (message.service ? el("p", { class: "note" }, message.service) : this.bubble(message, start, last)));
  }

  bubble(message, start, last) {
    const own = message.from === this.id;
    const keyed = message.rows.length > 0;
    const wide = message.photo || message.entities.some((entity) => entity.type.includes("quote") || entity.type === "pre");
    const classes = ["message", own && "out", keyed && "keyed", wide && "wide", start && "start", last && "last", this.settled && "fresh"];
    const author = !own && start && !this.chat.private ? el("p", { class: "author" }, message.name, message.via ? el("span", { class: "via" }, ` via ${world.bot.first_name}`) : null) : null;
    const node = el("article", { class: classes.filter(Boolean).join(" "), "aria-label": `${own ? "You" : message.name}, ${clockTime(message.date)}`, data: { message: message.id } },
      el("div", { class: "bubble" },
        author,
        message.reply ? this.quoted(message.reply) : null,
        this.attachment(message),
        message.text ? el("div", { class: "text" }, rich(message.text, message.entities, this, message.id)) : null,
        el("span", { class: "meta" }, message.edited ? "edited " : null, el("time", {}, clockTime(message.date)), own ? icon("read") : null)),
      keyed ? this.keyboard(message) : null,
      el("button", { class: "act", type: "button", "aria-label": "Message menu", onclick: () => this.messageMenu(message) }, icon("down")));
    node.addEventListener("contextmenu", (event) => {
      if (event.target.closest("a, .key")) return;
      event.preventDefault();
      this.messageMenu(message);
    });
    longPress(node.firstChild, () => this.messageMenu(message));
    return node;
  }

  quoted(reply) {
    return el("button", { class: "quoted", type: "button", onclick: () => this.find(reply.id) }, el("b", {}, reply.name), el("span", {}, reply.text));
  }

  attachment(message) {
    if (message.document) {
      const file = message.document;
      const known = file.file.startsWith("local-");
      return el(known ? "a" : "div", { class: "document", href: known ? fileUrl(file) : undefined, download: known ? file.name : undefined },
        el("span", { class: "disc" }, icon("file")), el("span", {}, el("b", {}, file.name), el("small", {}, size(file.size))));
    }
    if (message.photo?.file.startsWith("local-")) {
      const picture = () => el("img", { src: fileUrl({ ...message.photo, name: "photo" }), width: message.photo.width, height: message.photo.height, alt: message.text ? "Photo, described below" : "Photo" });
      return el("button", { class: "photo", type: "button", "aria-label": "Open the photo", onclick: () => this.view(picture()) }, picture());
    }
    const other = message.other ?? (message.photo ? "photo" : "");
    return other ? el("span", { class: "other" }, icon("file"), other[0].toUpperCase() + other.slice(1)) : null;
  }

  keyboard(message) {
    return el("div", { class: "keyboard", role: "group", "aria-label": "Buttons" },
      message.rows.map((row) => el("div", { class: "row" }, row.map((button) => this.key(message, button)))));
  }

  key(message, button) {
    const data = button.callback_data;
    const busy = data !== undefined && this.waiting.get(message.id)?.has(data);
    const mark = button.url ? "link" : button.copy_text ? "copy" : null;
    return el("button", {
      class: `key ${button.style ?? ""} ${busy ? "waiting" : ""}`, type: "button", title: button.text, "aria-busy": busy ? "true" : undefined,
      onclick: () => this.tap(message, button),
    }, el("span", {}, button.text), mark ? icon(mark) : null, mark ? hush(button.url ? " (link)" : " (copies text)") : null);
  }

  // ------------------------------------------------ what the person does

  async act(wish) {
    try { return await ask({ person: this.id, chat: this.chatId, ...wish }); } catch (problem) {
      this.toast(problem.message || "The demo does not answer.");
      return undefined;
    }
  }

  tap(message, button) {
    if (button.url) return this.follow(button.url);
    if (button.copy_text) return this.copied(button.copy_text.text);
    if (button.switch_inline_query_chosen_chat) return this.carry({ inline: button.switch_inline_query_chosen_chat.query ?? "" });
    if (button.switch_inline_query_current_chat !== undefined || button.switch_inline_query !== undefined) {
      this.input.value = `@${world.bot.username} ${button.switch_inline_query_current_chat ?? button.switch_inline_query}`;
      this.input.focus();
      return this.typedSomething();
    }
    const data = button.callback_data;
    const set = this.waiting.get(message.id) ?? new Set();
    if (set.has(data)) return undefined;
    this.waiting.set(message.id, set.add(data));
    setTimeout(() => this.stopWaiting(message.id), 30000);
    this.paintMessages();
    return this.act({ do: "tap", message: message.id, data });
  }

  stopWaiting(id) {
    if (this.waiting.delete(id) && this.chat) this.paintMessages();
  }

  answered(event) {
    this.stopWaiting(event.message);
    if (event.url && this.deepLink(event.url)) return;
    if (!event.text) return;
    if (event.alert) this.alert(world.bot.first_name, event.text);
    else this.toast(event.text);
  }

  deepLink(url) {
    const found = url.match(/^(?:https?:\/\/t\.me\/|tg:\/\/resolve\?domain=)(\w+)(?:[?&](start|startgroup)=([\w-]*))?$/);
    if (!found || found[1].toLowerCase() !== world.bot.username.toLowerCase()) return false;
    if (found[2] === "startgroup") {
      this.carry({ start: found[3] });
      return true;
    }
    this.open(this.id);
    if (found[2] === "start") this.act({ do: "start", payload: found[3] });
    return true;
  }

  follow(url) {
    if (this.deepLink(url)) return;
    this.alert("Open this link?", url, [["Cancel", () => {}], ["Open", () => open(url, "_blank", "noopener,noreferrer")]]);
  }

  async copied(text) {
    await copy(text);
    this.toast("Copied to the clipboard");
  }

  say(text) {
    return this.act({ do: "say", text, topic: this.topic });
  }

  async submit() {
    const text = this.input.value.trim();
    if (!text) return;
    const [edited, answered] = [this.editing, this.answering];
    this.input.value = "";
    this.hidePanel();
    this.cancelAbove();
    this.sized();
    if (edited) await this.act({ do: "edit", message: edited.id, text });
    else await this.act({ do: "say", text, reply: answered?.id, topic: this.topic });
    this.toBottom(true);
  }

  // ------------------------------------------------ composer

  buildComposer() {
    this.input = el("textarea", { rows: "1", placeholder: "Message", "aria-label": `Message to ${this.chat.title}`, autocomplete: "off",
      oninput: () => this.typedSomething(), onkeydown: (event) => this.composerKey(event) });
    this.input.value = this.drafts.get(this.chatId) ?? "";
    this.commandsButton = el("button", { class: "tool", type: "button", "aria-label": "Commands", "aria-expanded": "false", onclick: () => this.toggleCommands() }, icon("menu"));
    this.sendButton = el("button", { class: "tool send", type: "button", "aria-label": "Send", onclick: () => this.submit() }, icon("send"));
    const clip = el("button", { class: "tool", type: "button", "aria-label": "Send something else", onclick: () => this.attach() }, icon("clip"));
    this.lineNode = el("div", { class: "line" }, this.commandsButton, this.input, clip, this.sendButton);
    this.begin = el("button", { class: "begin", type: "button", hidden: true }, "Start");
    this.composer.replaceChildren(this.above, this.lineNode, this.begin, this.typed);
  }

  paintComposer() {
    const fresh = this.chat.private && history(this.chatId).size === 0;
    const blocked = this.chat.private && this.person.blocked;
    this.begin.hidden = !(fresh || blocked);
    this.lineNode.hidden = !this.begin.hidden;
    this.begin.textContent = blocked ? "Restart the bot" : "Start";
    this.begin.onclick = () => this.act({ do: blocked ? "unblock" : "start" });
    this.commandsButton.hidden = !this.commands.length;
    this.paintTyped();
    this.force();
    this.sized();
  }

  get commands() { return world.commands[`${this.id}:${this.chatId}`] ?? []; }

  paintTyped() {
    const rows = this.chat.keyboard?.keyboard ?? [];
    this.typed.hidden = rows.length === 0;
    this.typed.replaceChildren(...rows.map((row) => el("div", { class: "row" },
      row.map((button) => el("button", { class: "key", type: "button", onclick: () => this.say(button.text) }, el("span", {}, button.text))))));
  }

  /* A forced reply opens the answer to the bot's newest message once. */
  force() {
    const last = this.shown.filter((message) => message.bot).pop();
    const forced = this.chat.keyboard?.force_reply && last && last.id !== this.forced;
    this.input.placeholder = this.chat.keyboard?.input_field_placeholder ?? "Message";
    if (!forced) return;
    this.forced = last.id;
    this.answer(last);
  }

  sized() {
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight + 2, 132)}px`;
    this.sendButton.disabled = !this.input.value.trim();
  }

  keepDraft() {
    if (this.input && this.chatId !== null && !this.editing) this.drafts.set(this.chatId, this.input.value);
  }

  composerKey(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    const first = this.panel.querySelector("button.on");
    if (!this.panel.hidden && first && /^\/\w*$/.test(this.input.value)) first.click();
    else this.submit();
  }

  typedSomething() {
    this.sized();
    const inline = this.input.value.match(/^@(\w+) ([^]*)$/);
    if (inline && inline[1].toLowerCase() === world.bot.username.toLowerCase()) return this.askInline(inline[2]);
    const start = this.input.value.match(/^\/(\w*)$/);
    const found = start ? this.commands.filter((command) => command.command.startsWith(start[1])) : [];
    if (found.length) this.showCommands(found, true);
    else this.hidePanel();
    return undefined;
  }

  toggleCommands() {
    if (this.panel.hidden) this.showCommands(this.commands, false);
    else this.hidePanel();
  }

  showCommands(list, marked) {
    this.panel.replaceChildren(...list.map((command, index) => el("button", { type: "button", class: marked && index === 0 ? "on" : "",
      onclick: () => { this.hidePanel(); this.input.value = ""; this.sized(); this.say(`/${command.command}`); this.toBottom(true); } },
      el("b", {}, `/${command.command}`), " ", el("span", {}, command.description))));
    this.panel.hidden = false;
    this.commandsButton.setAttribute("aria-expanded", "true");
  }

  hidePanel() {
    this.panel.hidden = true;
    this.commandsButton.setAttribute("aria-expanded", "false");
  }

  askInline(words) {
    clearTimeout(this.inlineTimer);
    this.inlineTimer = setTimeout(async () => { this.query = await this.act({ do: "inline", text: words }); }, 250);
  }

  async offered(query) {
    await Promise.resolve();
    if (query !== this.query) { setTimeout(() => query === this.query && this.offered(query), 80); return; }
    const answer = await this.act({ do: "results", query });
    if (!answer) return;
    const choices = answer.results.map((result, number) => el("button", { type: "button",
      onclick: () => { this.hidePanel(); this.input.value = ""; this.sized(); this.act({ do: "choose", query, number }); } },
      el("b", {}, result.title), " ", el("span", {}, result.description ?? "")));
    const top = answer.button ? [el("button", { type: "button", onclick: () => this.deepLink(`https://t.me/${world.bot.username}?start=${answer.button.start_parameter}`) }, el("b", {}, answer.button.text))] : [];
    this.panel.replaceChildren(...top, ...choices);
    this.panel.hidden = choices.length + top.length === 0;
  }

  answer(message) {
    this.editing = null;
    this.answering = message;
    this.paintAbove("reply", message.name, preview(message));
    this.input.focus({ preventScroll: true });
  }

  edit(message) {
    this.answering = null;
    this.editing = message;
    this.input.value = message.text;
    this.paintAbove("pen", "Edit message", message.text);
    this.sized();
    this.input.focus({ preventScroll: true });
  }

  paintAbove(sign, head, words) {
    this.above.hidden = false;
    this.above.replaceChildren(icon(sign), el("div", { class: "grow" }, el("b", {}, head), el("span", {}, words)),
      el("button", { class: "tool", type: "button", "aria-label": "Cancel", onclick: () => this.cancelAbove() }, icon("close")));
  }

  cancelAbove() {
    if (this.editing) { this.input.value = ""; this.sized(); }
    this.answering = this.editing = null;
    this.above.hidden = true;
  }

  // ------------------------------------------------ sheets

  attach() {
    const kinds = ["photo", "document", "voice", "sticker", "location", "contact"];
    this.sheet("Send a made-up …", kinds.map((what) =>
      el("button", { class: "choice", type: "button", onclick: () => { this.unshade(); this.act({ do: "send", what }); } }, icon("file"), what[0].toUpperCase() + what.slice(1))));
  }

  messageMenu(message) {
    const own = message.from === this.id;
    const choice = (sign, words, run, danger) => el("button", { class: `choice ${danger ? "danger" : ""}`, type: "button", onclick: () => { this.unshade(); run(); } }, icon(sign), words);
    this.sheet("Message", [
      choice("reply", "Reply", () => this.answer(message)),
      message.text ? choice("copy", "Copy text", () => this.copied(message.text)) : null,
      own && message.text ? choice("pen", "Edit", () => this.edit(message)) : null,
      own ? choice("bin", "Delete for everybody", () => this.act({ do: "delete", message: message.id }), true) : null,
    ]);
  }

  more() {
    const chat = this.chat;
    const choice = (words, wish) => el("button", { class: "choice", type: "button", onclick: () => { this.unshade(); this.act(wish); } }, words);
    const inside = chat.bot === "member" || chat.bot === "administrator";
    const choices = chat.private
      ? [this.person.blocked ? choice("Unblock the bot", { do: "unblock" }) : choice("Block the bot", { do: "block" })]
      : [inside ? choice("Remove the bot from the group", { do: "bot", what: "remove" }) : choice("Add the bot to the group", { do: "bot", what: "add" }),
         chat.bot === "member" ? choice("Make the bot an administrator", { do: "bot", what: "promote" }) : null];
    const members = chat.private ? [] : [el("h3", {}, `In the group: ${chat.members.map(personName).join(", ")}${inside ? `, ${world.bot.first_name} (bot)` : ""}`)];
    this.sheet(chat.title, members, choices);
  }

  sheet(title, ...parts) {
    const sheet = el("div", { class: "sheet", role: "dialog", "aria-modal": "true", "aria-label": title }, el("h3", {}, title), parts.flat(),
      el("button", { class: "choice", type: "button", onclick: () => this.unshade() }, icon("close"), "Close"));
    this.cover(sheet, "");
  }

  alert(head, words, ends = [["OK", () => {}]]) {
    const box = el("div", { class: "alert", role: "alertdialog", "aria-modal": "true", "aria-label": head }, el("h3", {}, head), el("p", {}, words),
      el("div", { class: "ends" }, ends.map(([label, run]) => el("button", { type: "button", onclick: () => { this.unshade(); run(); } }, label))));
    this.cover(box, "center");
  }

  cover(box, place) {
    this.unshade();
    this.before = document.activeElement;
    this.shade = el("div", { class: `shade ${place}`, onclick: (event) => event.target === this.shade && this.unshade(), onkeydown: (event) => keepInside(event, box) }, box);
    this.root.append(this.shade);
    (box.querySelector(".ends button:last-child") ?? box.querySelector("button"))?.focus();
  }

  unshade() {
    this.shade?.remove();
    this.shade = null;
    if (this.before?.isConnected) this.before.focus({ preventScroll: true });
    this.before = null;
  }

  view(picture) {
    const viewer = el("button", { class: "viewer", type: "button", "aria-label": "Close the photo", onclick: () => viewer.remove() }, picture);
    this.root.append(viewer);
    viewer.focus();
  }

  toast(words) {
    this.toastNode?.remove();
    this.toastNode = el("div", { class: "toast", role: "status" }, words);
    this.root.append(this.toastNode);
    clearTimeout(this.toastTimer);
    this.toastTimer = setTimeout(() => this.toastNode.remove(), 2500 + words.length * 35);
  }

  // ------------------------------------------------ what happens to the person

  changed(chatId, message) {
    if (this.list) return this.paintList();
    if (chatId !== this.chatId) return this.paintBadges();
    const low = this.atBottom();
    this.settled = true;
    if (message?.bot) this.paintStatus();
    this.paintMessages();
    this.paintComposer();
    if (low || message?.from === this.id) this.toBottom(false);
    else this.paintBadges();
    return undefined;
  }

  typing(chatId) {
    if (chatId !== this.chatId || this.list) return;
    this.paintStatus("typing …");
    clearTimeout(this.typingTimer);
    this.typingTimer = setTimeout(() => this.chat && this.paintStatus(), 5000);
  }

  atBottom() { return this.wall.scrollHeight - this.wall.scrollTop - this.wall.clientHeight < 90; }

  scrolled() {
    this.stuck = this.atBottom();
    if (this.stuck) this.markRead();
    this.paintBadges();
  }

  toBottom(gently) {
    this.wall.scrollTo({ top: this.wall.scrollHeight, behavior: gently ? "smooth" : "auto" });
    this.markRead();
    this.paintBadges();
  }

  markRead() {
    const last = Math.max(0, ...history(this.chatId).keys());
    if (last === this.read.get(this.chatId)) return;
    this.read.set(this.chatId, last);
    remember(`read:${this.id}`, [...this.read]);
  }

  paintBadges() {
    if (!this.chat) return;
    const others = this.chats.filter((chat) => chat.id !== this.chatId).reduce((sum, chat) => sum + this.unread(chat.id), 0);
    this.backBadge.replaceChildren(...[badge(others)].filter(Boolean));
    this.down.hidden = this.atBottom();
    this.down.lastChild.replaceChildren(...[badge(this.unread(this.chatId))].filter(Boolean));
  }

  find(id) {
    const node = this.nodes.get(id)?.node;
    if (!node) return this.toast("That message is not here any more.");
    node.scrollIntoView({ block: "center", behavior: "smooth" });
    node.classList.remove("found");
    requestAnimationFrame(() => node.classList.add("found"));
    return undefined;
  }

  refresh() {
    if (this.list) return this.paintList();
    if (!this.chat) return this.open(null);
    const low = this.atBottom();
    this.paintChat();
    if (low) this.toBottom(false);
    return undefined;
  }
}

const badge = (count) => (count ? el("span", { class: "badge" }, String(count), hush(" unread")) : null);
const fileUrl = (file) => `/phone/file/${encodeURIComponent(file.file)}/${encodeURIComponent(file.name)}`;
const preview = (message) => (message.text || message.document?.name || message.other || (message.photo ? "Photo" : "Message")).replace(/\s+/g, " ").slice(0, 90);

function focusNear(node, place, fallback) {
  const found = [...node.querySelectorAll("button, a")];
  (found[Math.min(place, found.length - 1)] ?? fallback).focus({ preventScroll: true });
}

function keepInside(event, box) {
  if (event.key !== "Tab") return;
  const every = [...box.querySelectorAll("button, a")];
  const [first, last] = [every[0], every[every.length - 1]];
  if (event.shiftKey && document.activeElement === first) { event.preventDefault(); last.focus(); }
  else if (!event.shiftKey && document.activeElement === last) { event.preventDefault(); first.focus(); }
}

function longPress(node, run) {
  let timer = 0;
  const stop = () => clearTimeout(timer);
  node.addEventListener("touchstart", (event) => { if (!event.target.closest("a, button")) timer = setTimeout(run, 500); }, { passive: true });
  for (const name of ["touchend", "touchmove", "touchcancel"]) node.addEventListener(name, stop, { passive: true });
}

// ---------------------------------------------------------------- the page around them

function chosen() {
  const asked = location.hash.slice(1).split(",").map(Number).filter((id) => world.people.some((person) => person.id === id));
  const kept = remembered("people", []).filter((id) => world.people.some((person) => person.id === id));
  return asked.length ? asked : kept.length ? kept : world.people.slice(0, 1).map((person) => person.id);
}

function show(ids) {
  remember("people", ids);
  window.history.replaceState(null, "", `#${ids.join(",")}`);
  paintPage();
}

function paintPage() {
  const ids = chosen();
  for (const id of ids) {
    const person = world.people.find((each) => each.id === id);
    if (phones.has(id)) phones.get(id).refresh();
    else phones.set(id, new Phone(person));
  }
  for (const id of [...phones.keys()]) if (!ids.includes(id)) phones.delete(id);
  const nodes = ids.map((id) => phones.get(id).root);
  const place = document.getElementById("phones");
  if ([...place.children].some((child, index) => child !== nodes[index]) || place.children.length !== nodes.length) {
    place.replaceChildren(...nodes);
    for (const phone of phones.values()) if (!phone.list) phone.sized();
  }
  paintCast(ids);
  paintClock();
}

function paintCast(ids) {
  document.getElementById("cast").replaceChildren(...world.people.map((person) => {
    const here = ids.includes(person.id);
    return el("button", { class: "chip", type: "button", "aria-pressed": String(here), title: here ? "Put this phone away" : "Show this phone",
      onclick: () => show(here ? ids.filter((id) => id !== person.id || ids.length === 1) : [...ids, person.id]) },
      face(person.name, person.id, false, "small"), person.name);
  }));
}

const now = () => world.now + (Date.now() - world.heardAt) / 1000;

function clockButtons(after = () => {}) {
  const move = async (days) => { after(); await ask({ do: "clock", days }); };
  return [1, 7, 30, 90].map((days) => el("button", { type: "button", "aria-label": `Move the clock by ${days} ${days === 1 ? "day" : "days"}`, onclick: () => move(days) }, `+${days}`));
}

function paintClock() {
  const place = document.getElementById("clock");
  place.hidden = !world.clock;
  if (!world.clock) return;
  place.replaceChildren(icon("clock"), hush("Clock of the demo: "), el("output", {}, `${dayShort(now())}, ${clockTime(now())}`), ...clockButtons(), "days");
}

setInterval(paintClock, 30000);
window.addEventListener("hashchange", () => world.people.length && paintPage());
listen();
