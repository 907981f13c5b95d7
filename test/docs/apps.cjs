// The process of the class Apps: it runs the apps whose paths it is sent, and sends the port of each, or why it has none.
require('./listen-anywhere.cjs')
const { pathToFileURL } = require('node:url')

process.on('message', (file) => {
  import(pathToFileURL(file).href).catch((error) => process.send(String(error?.stack ?? error)))
})
process.on('disconnect', () => process.exit())
