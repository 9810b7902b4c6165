/** Lets one host of a batch go first when plans are risky; the others wait until it is confirmed. */

/** Decides who goes first. The first risky host that is ready is the canary. */
export class Canary {
  /** The plans that wait: all with risk, or those alone that change files of the whole cluster. */
  readonly waitsFor: 'risk' | 'shared files'
  #first: string | undefined
  #settle: (good: boolean) => void = () => undefined
  readonly #verdict = new Promise<boolean>((resolve) => {
    this.#settle = resolve
  })

  constructor(waitsFor: Canary['waitsFor'] = 'risk') {
    this.waitsFor = waitsFor
  }

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
