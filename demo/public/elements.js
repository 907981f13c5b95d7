export const byId = (id) => document.getElementById(id)

/** An element with text only: what a server says is never taken for markup. */
export function element(name, content = '', className = '') {
  const node = document.createElement(name)
  node.textContent = content
  if (className) node.className = className
  return node
}

/** A copy of what a template holds. */
export const copy = (id) => byId(id).content.firstElementChild.cloneNode(true)
