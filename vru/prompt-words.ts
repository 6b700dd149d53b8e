/**
 * Every word that a caller can hear, by name: the English text of the default pack. tools generate
 * the audio from this list, the catalogue refuses to start when a name has no audio, and a language
 * is complete when it has them all. Texts are whole phrases; numbers and times are put between them
 * by the language's rules (vru/language), so a phrase never ends in the middle of a sentence that
 * another language would order differently.
 */
export const PROMPT_WORDS = {
  // ── entry ──────────────────────────────────────────────────────────────────────────────────
  welcome: 'Welcome to the conference service.',
  'enter-code': 'Please enter your conference code, followed by the pound key.',
  'invalid-code': 'That is not a valid conference code.',
  'no-input': 'Nothing was entered.',
  'try-again': 'Please try again.',
  'too-many-tries': 'There were too many invalid codes. Please check your code, and call again.',
  'no-input-goodbye': 'No code was entered. Please call again when you have your code.',
  goodbye: 'Goodbye.',
  'one-moment': 'One moment, please.',

  // ── refusals, one for each reason ──────────────────────────────────────────────────────────
  'conference-locked': 'This conference is locked. No more callers can enter.',
  'conference-full': 'This conference is full.',
  'no-mixer-of-class':
    'There is no equipment of the kind that this conference needs at the moment.',
  'mixers-busy': 'All conference equipment is busy at the moment.',
  'busy-retry': 'The conference service is very busy at the moment. Please call again in a minute.',
  'service-unavailable': 'The conference service is not available at the moment.',
  'service-draining':
    'The conference service is closing for maintenance. Please call again in a minute.',
  'technical-problem': 'We are sorry. There is a technical problem. Please call again.',
  'not-allowed': 'This is not allowed.',

  // ── waiting ────────────────────────────────────────────────────────────────────────────────
  'waiting-for-host': 'The conference begins when the host arrives. Please wait.',
  'please-continue-to-hold': 'The host has not arrived yet. Please continue to hold.',
  'host-not-here-yet': 'The host is not here yet. You may talk with the other participants.',
  'host-has-arrived': 'The host has arrived. The conference begins now.',

  // ── placed ─────────────────────────────────────────────────────────────────────────────────
  'you-are-conferee-number': 'You are conferee number',
  'there-are': 'There are',
  'there-is-one-other-participant': 'There is one other participant.',
  'other-participants': 'other participants.',
  'only-person': 'You are the only person in the conference.',
  'you-are-the-host': 'You are the host.',
  reconnecting: 'The connection to the conference was lost. You are being reconnected.',
  reconnected: 'You are back in the conference.',
  'reconnect-failed': 'The connection to the conference could not be restored.',
  'has-joined': 'has joined the conference.',
  'has-left': 'has left the conference.',
  'conferee-number': 'Conferee number',

  // ── the end ────────────────────────────────────────────────────────────────────────────────
  'you-have-been-removed': 'You have been removed from the conference by the host.',
  'conference-ended': 'The conference has ended.',
  'host-has-left': 'The host has left the conference.',
  'conference-will-end-in': 'The conference will end in',
  'time-limit-reached': 'The time limit of this conference has been reached.',
  'press-to-confirm-leave': 'Press one to leave the conference, or any other key to stay.',
  'you-have-left': 'You have left the conference.',
  'press-to-confirm-end':
    'Press one to end the conference for everyone, or any other key to go on.',
  'end-not-confirmed': 'The conference goes on.',

  // ── keypad: mute ───────────────────────────────────────────────────────────────────────────
  muted: 'You are muted.',
  unmuted: 'You are no longer muted.',
  'muted-by-host': 'The host has muted you.',
  'unmuted-by-host': 'The host has unmuted you.',
  'still-muted-by-host': 'You are still muted by the host. You can raise your hand.',
  'muted-by-mode': 'Participants are muted at the moment. You can raise your hand.',
  'all-muted': 'All participants are now muted.',
  'all-unmuted': 'All participants can now talk.',
  'talking-while-muted': 'You are muted. Nobody can hear you. To unmute, press star six.',
  'is-muted': 'is muted.',
  'is-unmuted': 'is no longer muted.',

  // ── keypad: lock, modes, hands ─────────────────────────────────────────────────────────────
  locked: 'The conference is now locked.',
  unlocked: 'The conference is now unlocked.',
  'lecture-mode': 'Lecture mode. Only the host can be heard.',
  'question-mode': 'Question and answer mode. Participants can raise their hand to talk.',
  'open-mode': 'Open mode. Everybody can be heard.',
  'hand-raised': 'Your hand is raised.',
  'hand-lowered': 'Your hand is lowered.',
  'a-hand-was-raised': 'has raised a hand.',
  'you-may-talk': 'It is your turn. You may talk now.',

  // ── keypad: roll call and roster ───────────────────────────────────────────────────────────
  'roll-call': 'Roll call.',
  'in-the-conference-there-are': 'In the conference there are',
  participants: 'participants.',
  'one-participant': 'one participant.',
  'the-host': 'The host.',
  'end-of-list': 'End of the list.',
  'enter-conferee-number': 'Please enter the number of the conferee, followed by the pound key.',
  'no-such-conferee': 'There is no conferee with this number.',
  'has-been-removed': 'has been removed from the conference.',
  'is-on-hold': 'is on hold.',
  'is-back-from-hold': 'is back in the conference.',
  'is-in-sub-conference': 'is in sub-conference',
  'is-in-the-main-conference': 'is in the main conference.',
  'is-now-host': 'is now a host.',
  'you-are-now-host': 'You are now a host of this conference.',
  'you-are-on-hold': 'The host has put you on hold.',
  'roster-help':
    'For the next conferee, press six. For the previous one, press four. To mute or unmute, press five. To remove, press nine. To put on hold, press zero. To make host, press one. To move to your sub-conference, press three. To return, press pound.',
  'from-number': 'calling from',
  'unknown-caller': 'an unknown caller.',
  'say-your-name': 'After the tone, please say your name, then press the pound key.',
  'your-name-is': 'Your name was recorded as',
  'press-to-accept-name': 'To keep it, press one. To record it again, press two.',
  'not-a-host': 'Only a host can do this.',
  'unknown-key': 'This key has no function here. For help, press star four.',

  // ── keypad: help ───────────────────────────────────────────────────────────────────────────
  'help-intro': 'You can press these keys during the conference.',
  'for-mute-press': 'To mute or unmute yourself, press',
  'for-leave-press': 'To leave the conference, press',
  'for-help-press': 'For this help, press',
  'for-lock-press': 'To lock or unlock the conference, press',
  'for-mode-press': 'To change between open, question, and lecture mode, press',
  'for-mute-all-press': 'To mute or unmute all participants, press',
  'for-roll-call-press': 'For a roll call, press',
  'for-count-press': 'For the number of participants, press',
  'for-roster-press': 'To go through the list of conferees, press',
  'for-delete-press': 'To remove a conferee, press',
  'for-mute-one-press': 'To mute or unmute a conferee, press',
  'for-hand-press': 'To raise or lower your hand, press',
  'for-dial-out-press': 'To call somebody, press',
  'for-record-press': 'To start or stop the recording, press',
  'for-end-press': 'To end the conference for everyone, press',
  'for-operator-press': 'For an operator, press',
  'for-sub-conference-press': 'To enter or leave a sub-conference, press',
  'for-tones-press': 'To turn entry and exit tones on or off, press',
  'for-volume-press': 'To change the volume, press',

  // ── keypad: dial out ───────────────────────────────────────────────────────────────────────
  'dial-number': 'Please enter the number to call, followed by the pound key.',
  'dialling-out': 'Your call is being connected.',
  'dial-out-help':
    'To bring the called person into the conference, press star two. To end that call and return, press star three.',
  'call-answered': 'The call was answered.',
  'dial-busy': 'The called number is busy.',
  'dial-no-answer': 'The called number does not answer.',
  'dial-failed': 'The call could not be connected.',
  'dial-not-allowed': 'Calls to this number are not allowed.',
  'dial-limit': 'The limit for calling out has been reached.',
  'dial-not-available': 'Calling out is not available.',
  'returning-to-conference': 'You are returning to the conference.',
  'invited-to-conference':
    'You are invited to a conference. To enter, press one. To decline, press any other key, or hang up.',

  // ── keypad: the rest ───────────────────────────────────────────────────────────────────────
  'recording-started': 'This conference is being recorded.',
  'recording-stopped': 'The recording has ended.',
  'recording-failed': 'The recording could not be started.',
  'enter-sub-conference-number':
    'Please enter the number of the sub-conference, from one to nine, followed by the pound key. To return, press zero, and then pound.',
  'no-such-sub-conference': 'There is no sub-conference with this number.',
  'entering-sub-conference': 'You are entering sub-conference',
  'leaving-sub-conference': 'You are back in the main conference.',
  'operator-called': 'An operator has been called. Please stay on the line.',
  'no-operator': 'No operator is available.',
  'tones-on': 'Entry and exit tones are on.',
  'tones-off': 'Entry and exit tones are off.',
  'time-extended': 'The conference has been extended.',
  'volume-up': 'Louder.',
  'volume-down': 'Softer.',

  // ── other applications ─────────────────────────────────────────────────────────────────────
  'echo-intro': 'This is an echo test. After the tone you hear everything that you say.',
  'announcement-default':
    'This number is served by the minus one conferencing system. Thank you for calling.',
  'menu-default':
    'Please press one for a conference, two for an echo test, or three for an announcement.',
  'menu-invalid': 'This is not one of the choices.',
  'voicemail-greeting': 'The person whom you called is not available. Please leave a message.',
  'after-the-tone':
    'Speak after the tone. When you have finished, press the pound key, or hang up.',
  'message-saved': 'Your message was saved.',
  'message-empty': 'There was no message.',
  'mailbox-full': 'This mailbox is full.',

  // ── numbers and times ──────────────────────────────────────────────────────────────────────
  'number-0': 'zero',
  'number-1': 'one',
  'number-2': 'two',
  'number-3': 'three',
  'number-4': 'four',
  'number-5': 'five',
  'number-6': 'six',
  'number-7': 'seven',
  'number-8': 'eight',
  'number-9': 'nine',
  'number-10': 'ten',
  'number-11': 'eleven',
  'number-12': 'twelve',
  'number-13': 'thirteen',
  'number-14': 'fourteen',
  'number-15': 'fifteen',
  'number-16': 'sixteen',
  'number-17': 'seventeen',
  'number-18': 'eighteen',
  'number-19': 'nineteen',
  'number-20': 'twenty',
  'number-30': 'thirty',
  'number-40': 'forty',
  'number-50': 'fifty',
  'number-60': 'sixty',
  'number-70': 'seventy',
  'number-80': 'eighty',
  'number-90': 'ninety',
  hundred: 'hundred',
  thousand: 'thousand',
  million: 'million',
  and: 'and',
  star: 'star',
  pound: 'pound',
  plus: 'plus',
  'one-hour': 'one hour',
  hours: 'hours',
  'one-minute': 'one minute',
  minutes: 'minutes',
  'one-second': 'one second',
  seconds: 'seconds',
  oclock: "o'clock",
  oh: 'oh',
  'a-m': 'A M',
  'p-m': 'P M',
} as const satisfies Record<string, string>;

export type PromptWord = keyof typeof PROMPT_WORDS;

/** Sounds that are not speech; the generator script makes them, a pack may bring its own. */
export const PROMPT_SOUNDS = {
  /** Some 30 s of a calm tune that can be looped without a click. */
  music: 'music on hold, loops',
  /** 1 kHz, 400 ms, soft edges. */
  beep: 'record now',
  /** Two short soft notes up. */
  'entry-tone': 'somebody came in',
  /** Two short soft notes down. */
  'exit-tone': 'somebody went out',
  /** A soft double note every 2 s, 4 s long, loops: the line lives while we reconnect. */
  'hold-tone': 'being reconnected, loops',
  /** 100 ms, low: a key was not understood. */
  'error-tone': 'not understood',
  /** 425 Hz 1 s on, 4 s off, loops: outdial progress. */
  'ring-back-tone': 'the called phone rings, loops',
  /** 425 Hz 0.5 s on, 0.5 s off, loops. */
  'busy-tone': 'busy, loops',
  /** 500 ms of silence, a pause between phrases. */
  silence: 'pause',
} as const satisfies Record<string, string>;

export type PromptSound = keyof typeof PROMPT_SOUNDS;

/** What a flow may ask to be played; announcements and menus may name any further file of a pack. */
export type PromptName = PromptWord | PromptSound;
