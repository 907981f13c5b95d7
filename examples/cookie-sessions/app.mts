import express from 'express'
import session, { CookieStore } from 'holdfast'

declare module 'holdfast' {
  interface SessionData {
    cart?: string[]
  }
}

const app = express()
app.use(
  session({
    secret: process.env.SECRET!,
    store: new CookieStore(), // sealed in the cookie: no server keeps anything
    cookie: { maxAge: 7 * 86_400_000 }
  })
)

app.get('/cart', (req, res) => {
  res.json(req.session.cart ?? [])
})

app.post('/cart/:item', (req, res) => {
  const cart = (req.session.cart ??= [])
  cart.push(req.params.item)
  res.json(cart)
})

app.delete('/cart', async (req, res) => {
  await req.session.destroy()
  res.json([])
})

app.listen(3000)
