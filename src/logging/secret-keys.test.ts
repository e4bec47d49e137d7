import { describe, expect, it } from 'vitest';
import { SecretKeys } from './secret-keys.ts';

const keys = new SecretKeys(['Patient-Name']);
const kinds = (names: string): Set<string> => new Set(names.split(' ').map(name => keys.kindOf(name)));

describe('SecretKeys', () => {
  it('knows secrets in every spelling', () => {
    const secret =
      'password Password PASSWD pwd userPassword db_password new-password password1 passwordHash passphrase secret ' +
      'client_secret clientSecret token accessToken refresh_token id-token x-auth-token api_key apiKey API-KEY x-api-key ' +
      'authorization Proxy-Authorization cookie Set-Cookie jwt private_key privateKey session_id sessionId JSESSIONID ' +
      'credit_card creditCardNumber card_number cvv cardPin otp ssn aws_secret_access_key connection_string signing-key ' +
      'mnemonic credential csrf_token bearer patient_name PATIENTNAME';
    expect(kinds(secret)).toEqual(new Set(['secret']));
  });

  it('lets plural names hold counts', () => {
    expect(kinds('tokens passwords secrets apiKeys cookies credentials pass prompt_tokens maxTokens')).toEqual(
      new Set(['plural']),
    );
  });

  it('leaves ordinary names alone', () => {
    const plain =
      'user name email id order_id url path method status duration count token_type tokenizer tokenCount secretary ' +
      'passenger bypass compass spin opinion monkey_count keyboard cache_key primaryKey publicKey idempotency_key ' +
      'next_page_token nextToken author authorized cookieConsent has_passport';
    expect(kinds(plain)).toEqual(new Set(['plain']));
  });
});
