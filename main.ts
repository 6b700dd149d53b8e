/** Composition root: the only file that knows every role. */
console.log('minusone');
