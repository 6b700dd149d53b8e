/** Rarer things to do, behind a button. Escape and a click elsewhere close it; the focus returns. */
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';

export interface MenuItem {
  /** Stays when the label changes while the menu is open, so that the focus does too. */
  readonly key: string;
  readonly label: string;
  readonly onChoose: () => void;
}

interface Props {
  /** With whom it is about, for those who hear it. */
  readonly label: string;
  readonly disabled: boolean;
  readonly items: readonly MenuItem[];
}

export function Menu({ label, disabled, items }: Props) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLSpanElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };

  // Before the next key comes: on a slow machine a quick Tab would leave the button, and the menu close.
  useLayoutEffect(() => {
    if (!open) return;
    box.current?.querySelector<HTMLButtonElement>('.menu button')?.focus();
    box.current?.querySelector('.menu')?.scrollIntoView({ block: 'nearest' });
    const elsewhere = (event: Event): void => {
      if (event.target instanceof Node && box.current?.contains(event.target) !== true) {
        setOpen(false);
      }
    };
    document.addEventListener('pointerdown', elsewhere);
    document.addEventListener('focusin', elsewhere);
    const onKey = ({ key }: KeyboardEvent): void => {
      if (key === 'Escape') close();
    };
    document.addEventListener('keydown', onKey);
    return () => {
      document.removeEventListener('keydown', onKey);
      document.removeEventListener('pointerdown', elsewhere);
      document.removeEventListener('focusin', elsewhere);
    };
  }, [open]);
  return (
    <span class="menu-box" ref={box}>
      <button
        type="button"
        ref={button}
        class="more"
        disabled={disabled}
        aria-label={label}
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        onClick={() => setOpen(!open)}
      >
        …
      </button>
      {open ? (
        <span class="menu" id={id}>
          {items.map((item) => (
            <button
              type="button"
              key={item.key}
              disabled={disabled}
              onClick={() => {
                close();
                item.onChoose();
              }}
            >
              {item.label}
            </button>
          ))}
        </span>
      ) : null}
    </span>
  );
}
