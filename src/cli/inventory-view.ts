/** Loads an inventory for looking at: also without the key that a run would need. */
import { PvectlError } from '../errors.ts'
import { type LoadedInventory, loadInventory } from '../inventory/load.ts'
import { SecretStore } from '../secrets/store.ts'

/** An inventory to look at. */
export interface InventoryView {
  readonly inventory: LoadedInventory
  /** Why secrets stayed closed, and variables of files that are encrypted as a whole are missing; undefined: they did not. */
  readonly notice: string | undefined
}

/** Loads an inventory; what cannot be decrypted is left closed. Throws as `loadInventory` does for all else. */
export async function loadForView(name: string, cwd: string): Promise<InventoryView> {
  try {
    return { inventory: await loadInventory(name, { cwd, secrets: new SecretStore() }), notice: undefined }
  } catch (error) {
    if (!(error instanceof PvectlError) || error.code !== 'SECRET_FAILED') throw error
    const notice = `encrypted files are left out: ${error.problems[0]?.message ?? error.message}`
    return { inventory: await loadInventory(name, { cwd }), notice }
  }
}
