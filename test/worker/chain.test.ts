import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Chain, type Link } from '../../worker/chain.ts'

class Item implements Link<Item> {
  older: Item | undefined
  newer: Item | undefined
}

test('a chain holds what was added and not removed, the newest first, whatever the order', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(20)), { maxLength: 60 }), (steps) => {
      const chain = new Chain<Item>()
      const model: Item[] = []
      for (const step of steps) {
        if (step === null || step >= model.length) {
          const item = new Item()
          chain.add(item)
          model.unshift(item)
        } else {
          const [item] = model.splice(step, 1)
          chain.remove(item!)
          assert.deepEqual([item!.older, item!.newer], [undefined, undefined], 'a removed item points nowhere')
        }
        const items = chain.items()
        assert.equal(items.length, model.length)
        for (const [index, item] of items.entries()) assert.ok(item === model[index], `item ${index}`)
      }
    }),
  )
})

test('an item that was removed can be added again', () => {
  const chain = new Chain<Item>()
  const [first, second] = [new Item(), new Item()]
  chain.add(first)
  chain.add(second)
  chain.remove(first)
  chain.add(first)
  assert.ok(chain.items()[0] === first)
  assert.ok(chain.items()[1] === second)
})
