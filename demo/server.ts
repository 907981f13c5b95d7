import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { SessionError } from '../lib/index'
import { createApp, life } from './app'
import { type Config, readConfig, StartError } from './config'
import { projectFolder } from './folder'
import { keptSecret, passingSecret, type Secret } from './secret'
import { stopOnSignal } from './stop'
import { openStore } from './store'

async function main(): Promise<void> {
  const config = readConfig(process.env)
  const { secret, told } = chooseSecret(config)
  const opened = await openStore(config, life.idleTimeout)
  const app = createApp({
    store: opened.store,
    secondStore: opened.secondStore,
    storeName: opened.name,
    logouts: opened.logouts,
    secret,
    allowedOrigins: config.allowedOrigins,
    allowedHosts: [...config.allowedHosts, hostOf(config)],
    raceStore: opened.raceStore,
    onSession: opened.onSession
  })
  const server = createServer(app)
  stopOnSignal(server, opened.close)
  const port = await listen(server, config)

  console.log(`Holdfast's demo runs at http://${hostOf(config)}:${port}`)
  console.log(`Sessions: ${opened.told}`)
  console.log(`Secret:   ${told}`)
  for (const origin of config.allowedOrigins) console.log(`Allowed:  pages of ${origin}`)
  console.log('Ctrl-C stops it.')
}

/** The host as a URL names it. */
function hostOf({ host }: Config): string {
  return host.includes(':') ? `[${host}]` : host
}

/** In memory a session ends with the process, and the secret may as well; elsewhere it does not, so the secret stays. */
function chooseSecret({ secret, secretFile, store }: Config): Secret {
  if (secret !== undefined) return { secret, told: 'from SECRET' }
  if (store === 'memory') return passingSecret()
  return keptSecret(secretFile ?? join(projectFolder(), '.demo-secret'))
}

async function listen(server: Server, { port, host }: Config): Promise<number> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EADDRINUSE') {
      throw new StartError(
        `Port ${port} is in use: stop what uses it, or choose another, PORT=${port + 1} npm start`
      )
    }
    throw new StartError(
      `Cannot listen on ${host}, port ${port} (${String(code ?? error)}); set HOST and PORT`
    )
  }
  return (server.address() as AddressInfo).port
}

main().catch((error: unknown) => {
  console.error(error instanceof StartError || error instanceof SessionError ? error.message : error)
  process.exit(1)
})
