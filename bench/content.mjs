/** Bytes of the application's data as JSON. With what a library adds, a small session takes about 450 in the store. */
const BYTES = { small: 395, medium: 10 * 1024, large: 100 * 1024 }

/** The data of a session of this size: a visitor with a cart, as long as it has to be. */
export function content(size) {
  const data = { userinfo: 'test', count: 0, locale: 'en-GB', seen: [1760000000000, 1760000360000], cart: [] }
  let bytes = JSON.stringify(data).length
  for (let i = 0; ; i++) {
    const item = { sku: `A-${100000 + i}`, title: `Article number ${i}`, quantity: (i % 3) + 1, price: 19.95 }
    bytes += JSON.stringify(item).length + 1
    if (bytes > BYTES[size]) return data
    data.cart.push(item)
  }
}
