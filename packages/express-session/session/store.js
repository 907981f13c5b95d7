'use strict'

module.exports = require('holdfast/express-session').Store
