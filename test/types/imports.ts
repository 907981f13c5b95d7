import express from 'express'
import session, {
  MemoryStore,
  SessionError,
  type Session,
  type SessionData,
  type SessionErrorCode,
  type SessionOptions,
  type SetResult,
  type Store
} from 'holdfast'
import { RedisStore } from 'holdfast/redis'
import { storeTests, type StoreTest, type StoreTestOptions } from 'holdfast/testing'
import { Redis } from 'ioredis'
