import { useState } from 'preact/hooks';

/** A login by a token of the read API. It is kept in this tab, and never in an address. */
export function SignIn({ signIn, wasRefused }: { signIn: (token: string) => void; wasRefused: boolean }) {
  const [token, setToken] = useState('');
  return (
    <main class="sign-in">
      <form
        class="block"
        onSubmit={(event) => {
          event.preventDefault();
          if (token.trim() !== '') signIn(token.trim());
        }}
      >
        <h1>OpenShift costs</h1>
        {wasRefused && (
          <p class="notice bad" role="alert">
            The token is wrong, has expired or was revoked. Enter another one.
          </p>
        )}
        <p>
          Sign in with a token of your organisation. Whoever runs this server makes one with{' '}
          <code>ocp-pipeline api token create --org ID</code>.
        </p>
        <label for="token">Token</label>
        <input
          id="token"
          type="password"
          autoComplete="off"
          spellcheck={false}
          required
          placeholder="ocpr_…"
          value={token}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
        <button type="submit">Sign in</button>
        <p class="small">The token stays in this tab and goes when it is closed.</p>
      </form>
    </main>
  );
}
