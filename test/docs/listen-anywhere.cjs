// Loaded in front of an app of the documents: whatever port it asks for, it gets a free one, and tells which.
const { Server } = require('node:net')

const { listen } = Server.prototype
Server.prototype.listen = function (...args) {
  this.once('listening', () => process.send?.(this.address().port))
  return listen.call(
    this,
    { port: 0, host: '127.0.0.1' },
    args.find((argument) => typeof argument === 'function')
  )
}
