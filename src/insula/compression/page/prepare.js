// The text steps of insula, as the model folder names them. Patterns and names come from steps.json, which Python wrote.

const LETTER_OR_DIGIT = /^[\p{L}\p{N}]$/v;
const WHITE_SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/v;
const HTML_PASSES = 5;

export class Preparation {
  // description: the content of preparation.json; known: that of steps.json
  constructor(description, known) {
    this.steps = description.steps;
    this.language = description.language;
    this.maxLength = description.max_length;
    this.emoticons = known.emoticons;
    this.brackets = known.brackets;
    this.names = known.names;
    this.patterns = Object.fromEntries(
      Object.entries(known.patterns).map(([name, { source, flags }]) => [name, new RegExp(source, flags)]),
    );
  }

  // Returns the prepared text.
  apply(text) {
    if (this.maxLength) text = [...text].slice(0, this.maxLength).join("");
    for (const step of this.steps) text = this[step](text);
    return text;
  }

  html(text) {
    for (let pass = 0; pass < HTML_PASSES && /[&<]/.test(text); pass++) {
      const before = text;
      text = text.replace(this.patterns.escapedAgain, "&").replace(this.patterns.entity, unescaped);
      text = text.replace(this.patterns.tag, " ");
      if (text === before) break;
    }
    return text;
  }

  unicode(text) {
    const { styled, spaces, invisible, idleJoiners, apostrophe } = this.patterns;
    text = text.toWellFormed().replace(styled, (one) => one.normalize("NFKC"));
    text = text.replace(spaces, " ").replace(invisible, "");
    text = text.normalize("NFC").replace(idleJoiners, "").normalize("NFC");
    return text.replace(apostrophe, "'");
  }

  urls(text) {
    return text.replace(this.patterns.url, (found, ...rest) => {
      const [before, after] = neighbours(found, rest);
      const gap = (one) => (LETTER_OR_DIGIT.test(one) ? " " : "");
      return `${gap(before)}http${gap(after)}`;
    });
  }

  users(text) {
    return text.replace(this.patterns.user, (found, ...rest) => {
      const after = neighbours(found, rest)[1];
      return LETTER_OR_DIGIT.test(after) || (after && "_-·".includes(after)) ? "@user " : "@user";
    });
  }

  elongation(text) {
    return text.replace(this.patterns.drawnOut, "$1$1").replace(this.patterns.dots, "...");
  }

  emoji(text) {
    text = text.replace(this.patterns.emoticon, (found, ...rest) => {
      const row = rest.findIndex((group) => typeof group === "string") + 1; // groups come first
      return row === 1 ? found : this.emoticons[row];
    });
    const language = this.language in this.names ? this.language : text.search(this.patterns.han) < 0 ? "en" : "zh";
    return text.replace(this.patterns.emoji, (found) => this.spoken(found, this.names[language]));
  }

  // Returns the words of one sequence: those of the longest known parts, one after another.
  spoken(sequence, names) {
    const characters = [...sequence.replace(this.patterns.skinTones, "")];
    let words = "";
    for (let first = 0, last; first < characters.length; first = last) {
      for (last = characters.length; last > first + 1; last--) {
        if (characters.slice(first, last).join("") in names) break;
      }
      const part = characters.slice(first, last).join("");
      words += part in names ? ` ${names[part]} ` : part;
    }
    return words.replace(this.patterns.leftOver, "");
  }

  detokenize(text) {
    const { apart, joined, bracketName, quoted, inBrackets, looseEnding, looseMark } = this.patterns;
    const count = (pattern) => (text.match(pattern) ?? []).length;
    if (!text.includes(" ") || count(apart) <= count(joined)) return text;
    text = text.replace(bracketName, (found) => this.brackets[found.toLowerCase()]);
    text = text.replace(quoted, '"$1"').replace(inBrackets, "($1)");
    return text.replace(looseEnding, "").replace(looseMark, "");
  }

  lowercase(text) {
    return text.toLowerCase();
  }

  whitespace(text) {
    return text.split(WHITE_SPACE).filter(Boolean).join(" ");
  }
}

// Returns the characters before and behind a match, empty at the ends of the text.
function neighbours(found, rest) {
  const whole = rest.findLast((one) => typeof one === "string");
  const place = rest.findLast((one) => typeof one === "number");
  const before = [...whole.slice(Math.max(0, place - 2), place)].at(-1) ?? "";
  const after = [...whole.slice(place + found.length, place + found.length + 2)][0] ?? "";
  return [before, after];
}

function unescaped(entity) {
  const area = document.createElement("textarea"); // what it is given is text, never markup that runs
  area.innerHTML = entity;
  return area.value;
}
