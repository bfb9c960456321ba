// Nothing to do: this component is its style sheet.
export default function () {}
