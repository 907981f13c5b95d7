import { look } from './api.js'
import { byId, element } from './elements.js'
import { text } from './texts.js'

let asked = 0

/** Asks the server for the parts of this page's cookie and shows them. */
export async function refreshCookie() {
  const turn = ++asked
  const answer = await look('/session/cookie')
  if (turn !== asked || !answer.ok) return
  const { cookie } = JSON.parse(answer.body)
  byId('cookie').hidden = cookie === null
  if (cookie !== null) show(cookie)
}

function show({ name, id, signature, secure, httpOnly, sameSite, path }) {
  const sealed = signature === null
  const line = [
    element('span', `${name}=${sealed ? '' : 's:'}`),
    element('span', `${id.begin}…`, sealed ? 'sealed' : 'id')
  ]
  if (!sealed) line.push(element('span', '.'), element('span', `${signature.begin}…`, 'signature'))
  line.push(element('span', `; Path=${path}`))
  byId('cookie-line').replaceChildren(...line)

  const parts = sealed
    ? [['sealed', text('cookieSealed'), text('cookieSealedNote', id.length)]]
    : [
        ['id', text('cookieId'), text('cookieIdNote', id.length)],
        ['signature', text('cookieSignature'), text('cookieSignatureNote')]
      ]
  parts.push([httpOnly ? 'yes' : 'no', 'HttpOnly', text('httpOnly')])
  parts.push(['yes', `SameSite=${sameSite[0].toUpperCase()}${sameSite.slice(1)}`, text('sameSite')])
  parts.push([secure ? 'yes' : 'no', 'Secure', text(secure ? 'secure' : 'notSecure')])
  parts.push(['no', text('unbound'), text('unboundNote')])
  byId('cookie-parts').replaceChildren(
    ...parts.map(([kind, term, note]) => {
      const part = element('div', '', kind)
      part.append(element('dt', term), element('dd', note))
      return part
    })
  )
}
