"""Methods that send, edit and delete messages and answer taps."""

import mimetypes
from collections.abc import Mapping
from typing import Any

from web.emulator import entities
from web.emulator.chats import (
    chat_to_write,
    check_may_delete,
    message_named,
    own_message,
    place,
)
from web.emulator.core import Emulator, Toast
from web.emulator.entities import Entity, Formatted
from web.emulator.errors import bad
from web.emulator.keyboard import Markup, inline_only, reply_markup
from web.emulator.limits import (
    CAPTION_UNITS,
    FILE_BYTES,
    FILE_NAME_BYTES,
    PHOTO_BYTES,
    TEXT_BYTES,
    TEXT_UNITS,
    TOAST,
    units,
)
from web.emulator.request import Params, Upload
from web.emulator.world import Chat, Json, Message


def formatted(params: Params, name: str, mode: str = "parse_mode") -> Formatted:
    """The text under `name` without its markup, trimmed, its entities found."""
    return formatted_text(
        params.text(name),
        params.text(mode),
        params.value("caption_entities" if name == "caption" else "entities", "entities"),
    )


def formatted_text(written: str, mode: str, given: Any) -> Formatted:
    if len(written.encode()) > TEXT_BYTES:
        raise bad("text is too long")
    if mode.lower() not in {"", "none", "html", "markdown", "markdownv2"}:
        raise bad("unsupported parse_mode")
    if mode.lower().startswith("markdown"):
        raise bad("unsupported parse_mode (this emulator knows HTML only)")
    if mode.lower() == "html":
        made = entities.HtmlReader(written).read()
    else:
        made = Formatted(written, as_entities(given))
    return entities.with_found(entities.trimmed(made))


def as_entities(given: Any) -> tuple[Entity, ...]:
    if not isinstance(given, list):
        return ()
    for each in given:
        if not isinstance(each, dict) or not {"type", "offset", "length"} <= each.keys():
            raise bad("can't parse MessageEntity: object expected")
    return tuple(given)


def text_content(params: Params) -> Json:
    """The text of a message as it will be shown, within Telegram's limits."""
    if not params.text("text"):
        raise bad("message text is empty")
    made = formatted(params, "text")
    if not made.text:
        raise bad("text must be non-empty")
    if units(made.text) > TEXT_UNITS:
        raise bad("message is too long")
    preview = params.value("link_preview_options", "link preview options")
    if preview is not None and not isinstance(preview, dict):
        raise bad("object expected as link preview options")
    return with_entities({"text": made.text}, "entities", made) | (
        {"link_preview_options": preview} if preview else {}
    )


def with_entities(content: Json, name: str, made: Formatted) -> Json:
    return content | ({name: list(made.entities)} if made.entities else {})


def caption_content(params: Params) -> Json:
    made = formatted(params, "caption")
    if units(made.text) > CAPTION_UNITS:
        raise bad("message caption is too long")
    if not made.text:
        return {}
    return with_entities({"caption": made.text}, "caption_entities", made)


def send_message(emulator: Emulator, params: Params) -> Json:
    chat = chat_to_write(emulator, params)
    return post(emulator, chat, params, text_content(params))


def post(emulator: Emulator, chat: Chat, params: Params, content: Json) -> Json:
    """Puts the bot's message into the chat unless a limit forbids it."""
    markup = reply_markup(params)
    where = place(emulator, chat, params)
    if emulator.rates is not None:
        emulator.rates.take(chat.id, private=chat.private)
    content = content | where.fields
    if params.flag("protect_content"):
        content["has_protected_content"] = True
    if markup is not None and "inline_keyboard" in markup:
        content |= shown_markup(markup)
    elif markup is not None:
        show_keyboard(emulator, chat, markup)
    message = emulator.world.new_message(
        chat,
        emulator.bot,
        content,
        replies_to=where.replies_to,
        silent=params.flag("disable_notification"),
    )
    return emulator.world.shown(message)


def shown_markup(markup: Markup | None) -> Json:
    """The keyboard as part of a message; an empty one is none."""
    return {"reply_markup": markup} if markup and markup["inline_keyboard"] else {}


def show_keyboard(emulator: Emulator, chat: Chat, markup: Markup) -> None:
    chat.keyboard = None if "remove_keyboard" in markup else dict(markup)
    emulator.world.keep_chat(chat)


def edit_message_text(emulator: Emulator, params: Params) -> Any:
    _, message = own_message(emulator, params)
    if "text" not in message.wire:
        raise bad("there is no text in the message to edit")
    content = text_content(params)
    return edit(emulator, message, params, content, ("text", "entities", "link_preview_options"))


def edit_message_caption(emulator: Emulator, params: Params) -> Any:
    _, message = own_message(emulator, params)
    if "text" in message.wire:
        raise bad("there is no caption in the message to edit")
    return edit(emulator, message, params, caption_content(params), ("caption", "caption_entities"))


def edit_message_reply_markup(emulator: Emulator, params: Params) -> Any:
    _, message = own_message(emulator, params)
    return edit(emulator, message, params, {}, ())


def edit(
    emulator: Emulator, message: Message, params: Params, content: Json, replaced: tuple[str, ...]
) -> Any:
    """Shows the new content and keyboard; without a keyboard the old one goes."""
    dropped = {*replaced, "reply_markup", "edit_date"}
    kept = {name: value for name, value in message.wire.items() if name not in dropped}
    wire = kept | content | shown_markup(inline_only(params))
    if wire == {name: value for name, value in message.wire.items() if name != "edit_date"}:
        raise bad(
            "message is not modified: specified new message content and reply markup are exactly "
            "the same as a current content and reply markup of the message"
        )
    message.wire = wire | {"edit_date": emulator.world.seconds()}
    emulator.world.keep_message(message, "edit")
    return True if params.text("inline_message_id") else emulator.world.shown(message)


def delete_message(emulator: Emulator, params: Params) -> bool:
    chat = chat_to_write(emulator, params)
    if not params.text("message_id"):
        raise bad("message identifier is not specified")
    message = message_named(chat, params.integer("message_id"), "message to delete")
    check_may_delete(emulator, chat, message)
    remove(emulator, message)
    return True


def delete_messages(emulator: Emulator, params: Params) -> bool:
    chat = chat_to_write(emulator, params)
    numbers = params.value("message_ids", "message_ids")
    if not isinstance(numbers, list) or not numbers:
        raise bad("message identifiers are not specified")
    if len(numbers) > 100:  # noqa: PLR2004 - the documented limit
        raise bad("too many message identifiers specified")
    found = [chat.history[n] for n in numbers if n in chat.history]
    there = [message for message in found if not message.deleted]
    for message in there:
        check_may_delete(emulator, chat, message)
    for message in there:
        remove(emulator, message)
    return True


def remove(emulator: Emulator, message: Message) -> None:
    message.deleted = True
    emulator.world.keep_message(message, "delete")


def answer_callback_query(emulator: Emulator, params: Params) -> bool:
    text, url = params.text("text"), params.text("url")
    if len(text) > TOAST:
        raise bad("MESSAGE_TOO_LONG")
    if url and not url.startswith(("https://t.me/", "tg://")):
        raise bad("URL_INVALID")
    if (query := emulator.answered(params.text("callback_query_id"))) is None:
        raise bad("query is too old and response timeout expired or query ID is invalid")
    toast = Toast(query.user_id, query.id, text, params.flag("show_alert"), url)
    emulator.toasts.append(toast)
    emulator.world.tell(
        {"type": "answer", "chat": query.chat_id, "person": toast.user_id, "query": query.id}
        | {"message": query.message_id, "text": text, "alert": toast.alert, "url": url}
    )
    return True


def upload(params: Params, name: str) -> Upload:
    """The file sent under `name`, directly or by `attach://`."""
    if name in params.files:
        return params.files[name]
    written = params.text(name)
    if written.startswith("attach://"):
        if (part := params.files.get(written.removeprefix("attach://"))) is not None:
            return part
    elif written.startswith(("http://", "https://")):
        raise bad("failed to get HTTP URL content")
    elif written:
        raise bad("wrong file identifier/HTTP URL specified")
    raise bad(f"there is no {name} in the request")


def checked_upload(params: Params, name: str, limit: int) -> Upload:
    file = upload(params, name)
    if not file.content:
        raise bad("file must be non-empty")
    if len(file.content) > limit:
        raise bad("file is too big")
    return file


def keep_file(emulator: Emulator, file: Upload) -> Json:
    number = emulator.world.next("file")
    emulator.store.put_bytes(str(number), file.content)
    return {"file_id": f"local-{number}", "file_unique_id": str(number)} | (
        {"file_size": len(file.content)}
    )


def send_document(emulator: Emulator, params: Params) -> Json:
    chat = chat_to_write(emulator, params)
    file = checked_upload(params, "document", FILE_BYTES)
    name = file.name.encode()[:FILE_NAME_BYTES].decode(errors="ignore")
    mime = mimetypes.guess_type(name)[0] or file.mime
    content = caption_content(params)
    document = keep_file(emulator, file) | {"file_name": name, "mime_type": mime}
    return post(emulator, chat, params, {"document": document} | content)


def send_photo(emulator: Emulator, params: Params) -> Json:
    chat = chat_to_write(emulator, params)
    file = checked_upload(params, "photo", PHOTO_BYTES)
    if (size := picture_size(file.content)) is None:
        raise bad("IMAGE_PROCESS_FAILED")
    if sum(size) > 10_000 or max(size) > 20 * min(size):  # noqa: PLR2004 - documented limits
        raise bad("PHOTO_INVALID_DIMENSIONS")
    content = caption_content(params)
    photo = keep_file(emulator, file) | {"width": size[0], "height": size[1]}
    return post(emulator, chat, params, {"photo": [photo]} | content)


def picture_size(content: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG or JPEG, None for anything else."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
    if content.startswith(b"\xff\xd8"):
        return jpeg_size(content)
    return None


FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})


def jpeg_size(content: bytes) -> tuple[int, int] | None:
    place = 2
    while place + 9 < len(content) and content[place] == 0xFF:  # noqa: PLR2004 - the marker byte
        if content[place + 1] in FRAMES:
            height = int.from_bytes(content[place + 5 : place + 7])
            return int.from_bytes(content[place + 7 : place + 9]), height
        place += 2 + int.from_bytes(content[place + 2 : place + 4])
    return None


ACTIONS = frozenset(
    (
        "typing",
        "upload_photo",
        "upload_document",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    )
)


def send_chat_action(emulator: Emulator, params: Params) -> bool:
    chat = chat_to_write(emulator, params)
    if params.text("action").lower() not in ACTIONS:
        raise bad("wrong parameter action in request")
    emulator.world.tell({"type": "typing", "chat": chat.id})
    return True


def copy_message(emulator: Emulator, params: Params) -> Json:
    chat = chat_to_write(emulator, params)
    source = chat_to_write(
        emulator, Params({**params.fields, "chat_id": params.text("from_chat_id")})
    )
    message = message_named(source, params.integer("message_id"), "message to copy")
    kept = {name: message.wire[name] for name in COPIED if name in message.wire}
    sent: Mapping[str, Any] = post(emulator, chat, params, kept)
    return {"message_id": sent["message_id"]}


COPIED = ("text", "entities", "caption", "caption_entities", "document", "photo")
