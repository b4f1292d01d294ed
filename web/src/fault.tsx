// What is shown when the page itself fails: that nothing written is lost, and the way back.
//
// Promises: the failure stays in the console for those who mend it.
// Must never: show its inner words to people.

import { Component, type ReactNode } from "react"

export class Fault extends Component<{ children: ReactNode }, { state: "well" | "failed" }> {
  override state: { state: "well" | "failed" } = { state: "well" }

  static getDerivedStateFromError(): { state: "failed" } {
    return { state: "failed" }
  }

  override render(): ReactNode {
    if (this.state.state === "well") return this.props.children
    return (
      <main className="gone" role="alert">
        <h1>This page stumbled</h1>
        <p>What you wrote is kept, and is sent when the page is back.</p>
        <button type="button" className="main" onClick={() => window.location.reload()}>Load it again</button>
      </main>
    )
  }
}
