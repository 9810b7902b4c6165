/** Remembering what a pure function made of an object that never changes, for as long as the object lives. */

/** `read`, done once for each object: a file is read by a dozen resources of a host. */
export function onceEach<Source extends object, Result>(read: (source: Source) => Result): (source: Source) => Result {
  const known = new WeakMap<Source, { readonly result: Result }>()
  return (source) => {
    const found = known.get(source)
    if (found !== undefined) return found.result
    const result = read(source)
    known.set(source, { result })
    return result
  }
}
