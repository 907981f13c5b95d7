import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin'

/** Functions and errors whose texts are for developers: tests look at their meaning, and not at each word. */
const TELLS = /^(\w*Error|CorruptRecord|refuse|need|needKnown|warn\w*)$/

/** Codes, with which applications compare. */
const CODE = /^(ERR|HOLDFAST)_/

const messages = {
  shouldIgnore(path) {
    const isText = path.isTemplateLiteral() || (path.isStringLiteral() && !CODE.test(path.node.value))
    if (!isText) return undefined
    const around = path.findParent((place) => isMessage(place.node) || place.isFunction())
    return around && isMessage(around.node) ? 'a message' : undefined
  }
}

function isMessage({ type, callee, key }) {
  if (type === 'ObjectProperty') return key.name === 'must'
  return (type === 'NewExpression' || type === 'CallExpression') && TELLS.test(callee.name)
}

export const strykerPlugins = [declareValuePlugin(PluginKind.Ignore, 'messages', messages)]
