// What a fragment of an app in the documents may take for granted, unless it brings its own.
import type { Express, NextFunction, Request, Response } from 'express'
import type { Redis as Client } from 'ioredis'

declare global {
  const app: Express
  const req: Request
  const res: Response
  const next: NextFunction
  const redis: Client
  const secret: string
  const express: typeof import('express')
  const session: typeof import('holdfast').default
  const MemoryStore: typeof import('holdfast').MemoryStore
  const SessionError: typeof import('holdfast').SessionError
  const RedisStore: typeof import('holdfast/redis').RedisStore
}
