/** A fenced block of code in a document. */
export interface Block {
  /** The document and the line where the block begins, `README.md:12`. */
  place: string
  /** The first word after the fence, in lower case: `ts`, `sh`, or nothing. */
  language: string
  code: string
  /** What the comment in front of it asks for: `<!-- test: run -->` is `run`. Undefined without one. */
  mark: string | undefined
}

/**
 * The fenced blocks of a Markdown document (CommonMark 0.31, 4.5), each with the comment that says how it is tested.
 * That comment is the last thing in front of the fence; it may have several lines.
 */
export function codeBlocks(name: string, markdown: string): Block[] {
  const lines = markdown.split('\n')
  const blocks: Block[] = []
  let start = 0
  for (;;) {
    const open = lines.findIndex((line, index) => index >= start && FENCE.test(line))
    if (open === -1) return blocks
    const place = `${name}:${open + 1}`
    const [, fence, language] = FENCE.exec(lines[open]!)!
    const closing = new RegExp(`^ *${fence![0]!}{${fence!.length},} *$`)
    const close = lines.findIndex((line, index) => index > open && closing.test(line))
    if (close === -1) throw new Error(`${place}: this block is not closed`)
    blocks.push({
      place,
      language: language!.toLowerCase(),
      code: unindent(lines.slice(open + 1, close)),
      mark: MARK.exec(lines.slice(start, open).join('\n'))?.[1]
    })
    start = close + 1
  }
}

const FENCE = /^ *(`{3,}|~{3,}) *([^\s`]*)/
const MARK = /<!--\s*test:\s*((?:(?!-->)[^])*?)\s*-->\s*$/

/** A block in a list is indented with it. */
function unindent(lines: string[]): string {
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/))
  const indent = Math.min(...indents)
  return lines.map((line) => `${line.slice(indent)}\n`).join('')
}
