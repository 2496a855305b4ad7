import js from "@eslint/js";
import globals from "globals";

/* Run from the repository's top as `.ci/node_modules/.bin/eslint --config .ci/eslint.config.js web/static`. */
export default [
  js.configs.recommended,
  {
    files: ["web/static/**/*.js"],
    languageOptions: { ecmaVersion: 2022, sourceType: "module", globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      complexity: ["error", 14],
      "array-callback-return": "error",
      "consistent-return": "error",
      "default-case-last": "error",
      eqeqeq: ["error", "always"],
      "max-lines": ["error", 350],
      "no-alert": "error",
      "no-console": "error",
      "no-else-return": "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-promise-executor-return": "error",
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: "build elements; text from the daemon is never markup" },
        { property: "outerHTML", message: "build elements; text from the daemon is never markup" },
        { property: "insertAdjacentHTML", message: "build elements; text from the daemon is never markup" },
        { object: "crypto", property: "randomUUID", message: "plain http has no secure context" },
      ],
      "no-self-compare": "error",
      "no-shadow": "error",
      "no-template-curly-in-string": "error",
      "no-throw-literal": "error",
      "no-unmodified-loop-condition": "error",
      "no-unreachable-loop": "error",
      "no-unused-vars": ["error", { args: "all", argsIgnorePattern: "^_" }],
      "no-use-before-define": ["error", { functions: false, classes: false, variables: false }],
      "no-useless-return": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "no-warning-comments": "error",
    },
  },
];
