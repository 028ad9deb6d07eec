// The module `shout`, in JavaScript: what `shout.wit` promises.
export const api = {
  shout(text) {
    return { text: text.toUpperCase() + '!', letters: text.length };
  },
  async shoutOf(url) {
    const answer = await fetch(url);
    return (await answer.text()).toUpperCase() + '!';
  },
};
