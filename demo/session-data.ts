declare module '../lib/index' {
  interface SessionData {
    /** How often this visitor has asked for `/count`. */
    count?: number
    /** Who logged in at `/users/login`. */
    userinfo?: string
    /** Who logged in at `/login`, the form. */
    usr?: string
    /** The browser that logged in at `/users/login`, and its system. */
    browser?: string | undefined
  }
}

export {}
