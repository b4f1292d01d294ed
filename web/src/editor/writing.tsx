// The two elements of a block's text: the field, and the mirror under it. What happens in them is the field's matter.
//
// Promises: rendered once for a block; typing renders nothing.
// Must never: give the field a value; that is the field's own.

import { memo, useLayoutEffect, useRef, type ClipboardEvent, type FormEvent, type KeyboardEvent } from "react"
import { convert, divide } from "./commands"
import { useEditor } from "./editor"
import { Field } from "./field"
import { nameOfKey, pasteLines, press } from "./keyboard"
import { justTyped } from "./shortcuts"

interface Properties {
  readonly id: string
  readonly label: string
  readonly empty: string
  readonly isReadOnly: boolean
  readonly isCode: boolean
}

export const Writing = memo(function Writing({ id, label, empty, isReadOnly, isCode }: Properties) {
  const editor = useEditor()
  const area = useRef<HTMLTextAreaElement>(null)
  const layer = useRef<HTMLDivElement>(null)
  const field = useRef<Field>(null)
  useLayoutEffect(() => {
    field.current = new Field(editor, id, area.current!, layer.current!)
    return field.current.open()
  }, [editor, id])
  return (
    <div className="writing">
      <div className="mirror" ref={layer} aria-hidden="true" />
      <textarea
        ref={area}
        rows={1}
        aria-label={label}
        placeholder={empty}
        readOnly={isReadOnly}
        spellCheck={!isCode}
        autoCapitalize={isCode ? "off" : "sentences"}
        onInput={(event) => typed(field.current!, event)}
        onKeyDown={(event) => pressed(field.current!, event)}
        onPaste={(event) => pasted(field.current!, event)}
        onCompositionStart={() => field.current!.composes()}
        onCompositionEnd={() => field.current!.composed()}
        onFocus={() => field.current!.focused()}
        onBlur={() => field.current!.blurred()}
      />
    </div>
  )
})

function typed(field: Field, event: FormEvent): void {
  field.typed()
  const { inputType } = event.nativeEvent as InputEvent
  if (!inputType.startsWith("insert")) return field.editor.slash.moved(field)
  if (!becomes(field)) field.editor.slash.typed(field)
}

/** A sign at the start of the line makes it another kind; whether one did. */
function becomes(field: Field): boolean {
  const { editor, value, at } = field
  const block = editor.project.block(field.block)
  const sign = justTyped(value, at)
  if (!block || !sign || !(block.kind === "text" || (block.kind === "bulleted" && sign.kind === "todo"))) return false
  editor.typing.pause()
  const text = value.slice(sign.length)
  editor.focus.follow(sign.kind === "divider" ? divide(editor.project, block) : convert(editor.project, block, sign.kind, { ...sign.content, text }))
  return true
}

function pressed(field: Field, event: KeyboardEvent): void {
  if (event.nativeEvent.isComposing) return
  const name = nameOfKey(event)
  if (name === "Escape" && field.editor.slash.state.state === "closed") toGrip(event.currentTarget)
  else if (!press(field, name)) return
  event.preventDefault()
}

/** Escape leads out of the text, where Tab indents, to the block's own button, where Tab goes on. */
function toGrip(area: Element): void {
  area.closest(".line")?.querySelector<HTMLElement>(".grip")?.focus()
}

function pasted(field: Field, event: ClipboardEvent): void {
  if (pasteLines(field, event.clipboardData.getData("text/plain"))) event.preventDefault()
}
