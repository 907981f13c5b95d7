/** A request or a response, as Express links them. */
export interface Linked {
  req?: unknown
  res?: unknown
}

/**
 * Makes it cheap to add properties to a request and a response of Express, for everybody from here on.
 *
 * Express gives them other prototypes. From then on V8 shares none of their hidden classes: each property that is added
 * makes one of its own, with a copy of the forty descriptions before it, and inline caches miss. An object that lost a
 * property is a dictionary instead, without such costs (docs/decisions/0015-dictionaries.md). `res` of the
 * request and `req` of the response are what Express has set itself; objects that have kept their prototypes do not have both.
 */
export function makeDictionaries(req: Linked, res: Linked): void {
  if (req.res !== res || res.req !== req) return
  // `delete` and `=` throw where somebody has made the property his own.
  if (Reflect.deleteProperty(req, 'res')) Reflect.set(req, 'res', res)
  if (Reflect.deleteProperty(res, 'req')) Reflect.set(res, 'req', req)
}
