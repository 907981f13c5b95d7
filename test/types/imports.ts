import express from 'express'
import session, {
  MemoryStore,
  SessionError,
  type IndexEntry,
  type Session,
  type SessionChoice,
  type SessionData,
  type SessionErrorCode,
  type SessionIndex,
  type SessionInfo,
  type SessionOptions,
  type Sessions,
  type SetResult,
  type Store
} from 'holdfast'
import { RedisStore, type RedisClient, type RedisStoreOptions } from 'holdfast/redis'
import { storeTests, type StoreTest, type StoreTestOptions } from 'holdfast/store-tests'
import { Redis } from 'ioredis'
