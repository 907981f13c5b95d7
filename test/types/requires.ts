import express = require('express')
import session = require('holdfast')
import redis = require('holdfast/redis')
import ioredis = require('ioredis')

import MemoryStore = session.MemoryStore
import SessionError = session.SessionError
import RedisStore = redis.RedisStore
import Redis = ioredis.Redis
type Session = session.Session
type SessionData = session.SessionData
type SessionErrorCode = session.SessionErrorCode
type SessionOptions = session.SessionOptions
type SetResult = session.SetResult
type Store = session.Store
