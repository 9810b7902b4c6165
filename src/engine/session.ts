/** A host during a run: its connection, opened when first needed, and how many exchanges it has cost. */
import type { Connection, Connector, RunOptions, RunResult } from '../connection/connection.ts'
import type { Script } from '../connection/script.ts'
import type { Target } from '../connection/target.ts'

/** Keeps one connection to a node and counts the exchanges. */
export class Session {
  readonly #connector: Connector<Target>
  readonly #target: Target
  #signal: AbortSignal | undefined
  #connection: Promise<Connection> | undefined
  #exchanges = 0

  constructor(connector: Connector<Target>, target: Target, signal?: AbortSignal) {
    this.#connector = connector
    this.#target = target
    this.#signal = signal
  }

  /** Round trips made so far, connection set-up not counted. */
  get exchanges(): number {
    return this.#exchanges
  }

  /** Connects if not connected. */
  async open(): Promise<Connection> {
    const opening = this.#connection ?? this.#connector.connect(this.#target, this.#signal)
    this.#connection = opening
    try {
      return await opening
    } catch (error) {
      if (this.#connection === opening) this.#connection = undefined
      throw error
    }
  }

  /** From now on a stop request does not keep from connecting: what has begun on the node is seen to its end. */
  seeThrough(): void {
    this.#signal = undefined
  }

  /** A connection that counts what runs over it. */
  get counted(): Connection {
    return {
      peer: this.#target.address,
      run: (script: Script, options?: RunOptions): Promise<RunResult> => this.#run(script, options),
      close: () => this.close(),
    }
  }

  async close(): Promise<void> {
    const connection = this.#connection
    this.#connection = undefined
    await (await connection?.catch(() => undefined))?.close()
  }

  async #run(script: Script, options?: RunOptions): Promise<RunResult> {
    const connection = await this.open()
    this.#exchanges += 1
    try {
      return await connection.run(script, options)
    } catch (error) {
      // After a time-out or a drop nobody knows what the other end still sends.
      await this.close().catch(() => undefined)
      throw error
    }
  }
}
