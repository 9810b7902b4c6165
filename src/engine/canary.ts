/** Lets one host of a batch go first when plans are risky; the others wait until it is confirmed. */

/** Decides who goes first. The first risky host that is ready is the canary. */
export class Canary {
  #first: string | undefined
  #settle: (good: boolean) => void = () => undefined
  readonly #verdict = new Promise<boolean>((resolve) => {
    this.#settle = resolve
  })

  /**
   * Called by a host that is about to make risky changes. Resolves at once for the canary, and for the others when the
   * canary has ended: with its name when it ended badly, so that they must not go.
   */
  async enter(host: string): Promise<string | undefined> {
    this.#first ??= host
    if (this.#first === host) return undefined
    return (await this.#verdict) ? undefined : this.#first
  }

  /** True when others would have to wait for a host. */
  waits(host: string): boolean {
    return this.#first !== undefined && this.#first !== host
  }

  /** Called when a host has ended. */
  ended(host: string, good: boolean): void {
    if (this.#first === host) this.#settle(good)
  }
}
