// The server of the page, on port 5173. Vite or a content delivery network does the same.
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import express from 'express'

const app = express()
app.use('/vue', express.static('node_modules/vue/dist'))
app.use(express.static(dirname(fileURLToPath(import.meta.url))))
app.listen(5173)
