#!/usr/bin/env node
// Runs pvectl from its sources, without a build.
import { register } from 'tsx/esm/api'

register()
const { main } = await import('../src/main.ts')
await main(process.argv.slice(2), { sources: true })
